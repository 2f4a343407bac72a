"""The transport by h11 alone: plain HTTP/1.1 over http and https, without proxies.

::

    transport.py   slots, phases and pool around one exchange
    pool.py        idle connections, by where they lead
    connection.py  one connection: a line, TLS on it where asked for, and the parser
    dialing.py     from a name to a line
    line.py        a socket as a stream, closed without waiting
    wire.py        what h11 makes of the bytes, without a socket
"""

from .transport import NativeTransport as NativeTransport
