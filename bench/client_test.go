//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// client sends one request on many connections at once, the next on each as soon as the answer is there. It never
// sleeps: to wake somebody is work for who does it, and would be counted against the slower of two servers, whose
// client sleeps more often.
type client struct {
	poll   int
	ask    []byte
	status []byte // with which every answer begins
	left   int    // to be sent
	open   int    // sent, and not answered yet
	conns  map[int32]*answer
	tcp    []net.Conn // what conns are copies of
}

// answer is what has come of one.
type answer struct{ b []byte }

// ask sends the request n times, from all connections.
func (s *server) ask(tb testing.TB, n int) {
	c := &client{ask: s.Request, status: fmt.Appendf(nil, "HTTP/1.1 %d", s.Want), left: n, conns: make(map[int32]*answer)}
	defer c.close()
	err := c.dial(s.Addr)
	for err == nil && c.open > 0 {
		err = c.wait()
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// dial opens the connections, and sends the first request on each.
func (c *client) dial(addr string) (err error) {
	if c.poll, err = syscall.EpollCreate1(0); err != nil {
		return err
	}
	for range min(connections, c.left) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		c.tcp = append(c.tcp, conn)
		file, err := conn.(*net.TCPConn).File()
		if err != nil {
			return err
		}
		fd, err := syscall.Dup(int(file.Fd()))
		file.Close()
		if err != nil {
			return err
		}
		c.conns[int32(fd)] = new(answer)
		if err := syscall.SetNonblock(fd, true); err != nil {
			return err
		}
		if err := syscall.EpollCtl(c.poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}); err != nil {
			return err
		}
		if err := c.send(fd); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) close() {
	for fd := range c.conns {
		syscall.Close(int(fd))
	}
	for _, conn := range c.tcp {
		conn.Close()
	}
	syscall.Close(c.poll)
}

func (c *client) send(fd int) error {
	if c.left == 0 {
		return nil
	}
	c.left--
	c.open++
	n, err := syscall.Write(fd, c.ask)
	if err == nil && n < len(c.ask) {
		return fmt.Errorf("%d bytes of a request were taken", n)
	}
	return err
}

// wait reads what is there, if there is anything, and sends what may be sent.
func (c *client) wait() error {
	var events [connections]syscall.EpollEvent
	n, err := syscall.EpollWait(c.poll, events[:], 0)
	if err != nil && err != syscall.EINTR {
		return err
	}
	for _, e := range events[:max(n, 0)] {
		if err := c.receive(int(e.Fd), c.conns[e.Fd]); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) receive(fd int, a *answer) error {
	var b [8 << 10]byte
	n, err := syscall.Read(fd, b[:])
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return nil
	}
	if err != nil || n == 0 {
		return fmt.Errorf("a connection ended: %v", err)
	}
	a.b = append(a.b, b[:n]...)
	whole, err := c.whole(a.b)
	if err != nil || !whole {
		return err
	}
	a.b = a.b[:0]
	c.open--
	return c.send(fd)
}

var length = []byte("Content-Length: ")

// whole reports whether b is an answer as it should be.
func (c *client) whole(b []byte) (bool, error) {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return false, nil
	}
	_, after, found := bytes.Cut(head, length)
	value, _, _ := bytes.Cut(after, []byte("\r\n"))
	want, err := strconv.Atoi(string(value))
	if !bytes.HasPrefix(head, c.status) || !found || err != nil || len(body) > want {
		return false, fmt.Errorf("not the answer that was to come: %q", head)
	}
	return len(body) == want, nil
}
