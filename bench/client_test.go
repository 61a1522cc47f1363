//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"net"
	"os"
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
	status []byte         // with which every answer begins
	left   int            // to be sent
	open   int            // sent, and not answered yet
	files  []*os.File     // the connections
	came   map[int][]byte // of the answer on each, by its number
}

// ask sends the request n times, from all connections.
func (s *server) ask(tb testing.TB, n int) {
	c := &client{ask: s.Request, status: fmt.Appendf(nil, "HTTP/1.1 %d", s.Want), left: n, came: make(map[int][]byte)}
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
		fd, err := c.connect(addr)
		if err != nil {
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

// connect opens a connection that no goroutine waits for.
func (c *client) connect(addr string) (fd int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return 0, err
	}
	c.files = append(c.files, file)
	fd = int(file.Fd())
	return fd, syscall.SetNonblock(fd, true)
}

func (c *client) close() {
	for _, file := range c.files {
		file.Close()
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
		if err := c.receive(int(e.Fd)); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) receive(fd int) error {
	var b [8 << 10]byte
	n, err := syscall.Read(fd, b[:])
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return nil
	}
	if err != nil || n == 0 {
		return fmt.Errorf("a connection ended: %v", err)
	}
	c.came[fd] = append(c.came[fd], b[:n]...)
	whole, err := c.whole(c.came[fd])
	if err != nil || !whole {
		return err
	}
	c.came[fd] = c.came[fd][:0]
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
