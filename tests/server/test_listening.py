"""Sockets that servers listen on."""

import socket

import pytest

from aihub.server.listening import Tcp

NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_write_waits_for_the_one_before_to_be_acknowledged(workers):
    """No Nagle: of an engine that writes head and body apart each answer would take 40 ms."""
    bound = Tcp("127.0.0.1", 0).bind(workers)
    every = {one for each in bound for one in each}
    try:
        assert all(one.getsockopt(*NO_DELAY) for one in every)
        if workers == 1:
            (listener,) = every
            with socket.create_connection(listener.getsockname()), listener.accept()[0] as taken:
                assert taken.getsockopt(*NO_DELAY)
    finally:
        for one in every:
            one.close()
