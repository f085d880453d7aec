package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// These bound what waits for the disk. No request waits for the disk: lines
// beyond the bounds are left out, and the log says so.
const (
	accessLines = 4096
	accessBytes = 4 << 20
)

// accessField is how many bytes a line keeps of a field, before escapes. A line
// must stay below maxLine, or nobody can read it.
const accessField = 4 << 10

// accessLog writes a line for each answer of the site, in a format that "goaltrack
// replay" reads. It is safe for concurrent use.
type accessLog struct {
	format  func(*accessLine) []byte
	out     io.Writer
	lines   chan []byte
	waiting atomic.Int64 // bytes of lines
	stop    chan struct{}
	ended   chan error
	missed  *limitedLog
}

// openAccessLog opens the log of that name and appends to it. The name "-"
// means stdout; an empty name means no log.
func openAccessLog(name, format string, c console) (*accessLog, error) {
	switch name {
	case "":
		return nil, nil
	case standardInput:
		return newAccessLog(c.stdout, format, c.logger), nil
	}
	file := &logFile{name: name}
	if err := file.open(); err != nil {
		return nil, err
	}
	return newAccessLog(file, format, c.logger), nil
}

func newAccessLog(out io.Writer, format string, logger *slog.Logger) *accessLog {
	l := &accessLog{
		format: combinedLine, out: out, lines: make(chan []byte, accessLines), stop: make(chan struct{}), ended: make(chan error, 1),
		missed: &limitedLog{logger: logger, every: 10 * time.Second},
	}
	if format == "json" {
		l.format = jsonLogLine
	}
	go l.write(logger)
	return l
}

// write writes lines until the log is closed, and then the lines that still
// wait.
func (l *accessLog) write(logger *slog.Logger) {
	failing := false
	one := func(line []byte) {
		l.waiting.Add(-int64(len(line)))
		_, err := l.out.Write(line)
		if err != nil && !failing {
			logger.Warn("the access log cannot be written", "error", err)
		}
		failing = err != nil
	}
	for stop := l.stop; ; {
		select {
		case line := <-l.lines:
			one(line)
			continue
		case <-stop:
		}
		for len(l.lines) > 0 {
			one(<-l.lines)
		}
		var err error
		if file, ok := l.out.(*logFile); ok {
			err = file.file.Close()
		}
		l.ended <- err
		return
	}
}

// close writes the lines that wait, for as long as patience allows. Lines that
// are added later are left out.
func (l *accessLog) close(patience time.Duration) error {
	if l == nil {
		return nil
	}
	close(l.stop)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-l.ended:
		return err
	case <-timer.C:
		return fmt.Errorf("the access log did not take its last lines within %v", patience)
	}
}

// add puts a line into the queue, if there is room.
func (l *accessLog) add(line []byte) {
	if l.waiting.Add(int64(len(line))) <= accessBytes {
		select {
		case l.lines <- line:
			return
		default:
		}
	}
	l.waiting.Add(-int64(len(line)))
	l.missed.warn("the access log is slow; lines are left out")
}

// around returns a handler that adds a line for each request, also for one that
// ends in a panic. It belongs inside the middleware, so that the middleware
// sees the server's own writer.
func (l *accessLog) around(next http.Handler) http.Handler {
	if l == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := &accessLine{ResponseWriter: w, request: r, began: time.Now()}
		defer func() { l.add(l.format(line)) }()
		next.ServeHTTP(line, r)
	})
}

// accessLine is an answer under way, and what its line says.
type accessLine struct {
	http.ResponseWriter
	request *http.Request
	began   time.Time
	status  int // 0: none was written
	bytes   int64
}

// clientGone is the status that nginx writes if the visitor left before there
// was an answer.
const clientGone = 499

// WriteHeader notes the status. A status below 200 is not the last one, except
// a switch of protocols.
func (l *accessLine) WriteHeader(status int) {
	if l.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		l.status = status
	}
	l.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (l *accessLine) Write(p []byte) (int, error) {
	l.status = cmp.Or(l.status, http.StatusOK)
	n, err := l.ResponseWriter.Write(p)
	l.bytes += int64(n)
	return n, err
}

// Hijack implements [http.Hijacker]. A proxy takes over a connection that switches protocols, and
// writes the answer to it.
func (l *accessLine) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(l.ResponseWriter).Hijack()
	if err == nil {
		l.status = cmp.Or(l.status, http.StatusSwitchingProtocols)
	}
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach flush and the rest.
func (l *accessLine) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// client returns the address of the connection.
func (l *accessLine) client() string {
	host, _, err := net.SplitHostPort(l.request.RemoteAddr)
	if err != nil {
		return "-" // a Unix socket
	}
	return host
}

// combinedLine writes the combined format of Apache and nginx:
// https://httpd.apache.org/docs/2.4/logs.html#combined.
func combinedLine(l *accessLine) []byte {
	r := l.request
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s - - [%s] ", l.client(), l.began.Format("02/Jan/2006:15:04:05 -0700"))
	quoteField(&b, r.Method+" "+short(r.RequestURI)+" "+r.Proto)
	fmt.Fprintf(&b, " %d %d ", cmp.Or(l.status, clientGone), l.bytes)
	quoteField(&b, cmp.Or(short(r.Referer()), "-"))
	b.WriteByte(' ')
	quoteField(&b, cmp.Or(short(r.UserAgent()), "-"))
	b.WriteByte('\n')
	return b.Bytes()
}

// short cuts a text that is too long for a line.
func short(text string) string { return text[:min(len(text), accessField)] }

// quoteField writes a field as Apache does. It escapes quotes, backslashes and
// everything that is not printable ASCII, so that a visitor cannot invent a
// line.
func quoteField(b *bytes.Buffer, text string) {
	const digits = "0123456789abcdef"
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			b.WriteString(`\x`)
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

// jsonLogLine writes an object whose names are those of nginx's variables.
func jsonLogLine(l *accessLine) []byte {
	r := l.request
	line, err := json.Marshal(struct {
		Time        string  `json:"time"`
		Client      string  `json:"remote_addr"`
		Method      string  `json:"request_method"`
		Host        string  `json:"host"`
		Target      string  `json:"request_uri"`
		Status      int     `json:"status"`
		Bytes       int64   `json:"body_bytes_sent"`
		Seconds     float64 `json:"request_time"`
		Referer     string  `json:"http_referer,omitempty"`
		UserAgent   string  `json:"http_user_agent,omitempty"`
		ContentType string  `json:"sent_http_content_type,omitempty"`
		Location    string  `json:"sent_http_location,omitempty"`
	}{
		l.began.Format(time.RFC3339Nano), l.client(), r.Method, short(r.Host), short(r.RequestURI), cmp.Or(l.status, clientGone), l.bytes,
		time.Since(l.began).Seconds(), short(r.Referer()), short(r.UserAgent()), short(l.Header().Get("Content-Type")), short(l.Header().Get("Location")),
	})
	if err != nil { // cannot be: texts and numbers
		return nil
	}
	return append(line, '\n')
}
