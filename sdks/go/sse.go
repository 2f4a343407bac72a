package aihub

import "bytes"

// maxEvent bounds one event of a stream, in bytes: pictures are sent in streams too.
const maxEvent = 64 << 20

// events splits the bytes of a stream into the data of its events, however the bytes come
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type events struct {
	line   []byte
	data   []byte
	some   bool // whether the event has a line of data
	cr     bool // whether the last byte was a CR, which an LF may belong to
	begun  bool
	excess bool
}

// feed takes more bytes and returns the data of the events that they complete.
func (e *events) feed(bytesRead []byte) [][]byte {
	var done [][]byte
	for _, one := range bytesRead {
		if one == '\n' && e.cr {
			e.cr = false
			continue
		}
		e.cr = one == '\r'
		if one != '\r' && one != '\n' {
			e.line = append(e.line, one)
			e.excess = e.excess || len(e.line)+len(e.data) > maxEvent
			continue
		}
		if event, complete := e.endLine(); complete {
			done = append(done, event)
		}
	}
	return done
}

func (e *events) endLine() ([]byte, bool) {
	line := e.line
	if !e.begun {
		line, e.begun = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), true
	}
	defer func() { e.line = e.line[:0] }()
	if len(line) > 0 {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(name) == "data" {
			if e.some {
				e.data = append(e.data, '\n')
			}
			e.data, e.some = append(e.data, bytes.TrimPrefix(value, []byte(" "))...), true
		}
		return nil, false
	}
	if !e.some {
		return nil, false
	}
	event := e.data
	e.data, e.some = nil, false
	return event, true
}
