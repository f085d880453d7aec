// Package accesslog reads the access logs of servers, load balancers and CDNs. Nobody has to
// say which format a log has: each line is known by its looks.
//
// A log is unpacked first (encoding.go, xz.go), and lists of JSON are made into lines
// (split.go). What containers and syslog put around a line is taken off (wrap.go). Then it is
// read as text (text.go, proxies.go), as JSON (json.go, json_scan.go), or in the format of the
// W3C (w3c.go). An example:
//
//	the file    gzip; its lines are those of Docker
//	a line      {"log":"192.0.2.1 - - [09/Nov/2025:06:25:31 +0000] \"GET /a HTTP/1.1\" 200 17\n"}
//	scanned     an object without a method, but with a member that may be a line: log
//	read again  the common format: GET /a, 200, 17 bytes
//
// Whatever a line says, it is bounded and nothing is run or opened. One that is no request is
// counted as unreadable.
package accesslog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/goaltrack/goaltrack/rule"
)

// maxLine is how many bytes a line may have, with its end. Servers take 8 KiB
// for a request line and for a header field unless they are told otherwise
// (large_client_header_buffers of nginx, LimitRequestLine of Apache).
const maxLine = 64 << 10

// Line is a request as an access log tells it. What the line does not say is
// nil, zero, or -1 for bytes. The slices are parts of a buffer. They are valid
// until the function that got the line returns.
type Line struct {
	Method      []byte
	Host        []byte // without the port
	Target      []byte // path and query, as the client sent them
	UserAgent   []byte
	Referer     []byte
	ContentType []byte // of the answer
	Location    []byte
	Status      int
	Bytes       int64     // of the answer
	Time        time.Time // in UTC
}

// Entry is what rules look at of the line. It is valid as long as the line is.
func (l *Line) Entry() rule.LogEntry {
	return rule.LogEntry{
		Method: view(l.Method), Host: view(l.Host), Target: view(l.Target),
		UserAgent: view(l.UserAgent), Referer: view(l.Referer), Location: view(l.Location),
		ContentType: view(l.ContentType), Status: l.Status, Time: l.Time,
	}
}

// view returns the text of bytes without a copy, which would take longer than
// all other work on most lines. The text changes when the bytes change. That is
// safe because [rule.Replay.Add] keeps nothing of an entry.
func view(text []byte) string {
	return unsafe.String(unsafe.SliceData(text), len(text)) //nolint:gosec // See above.
}

// logFormat is what a line was taken for.
type logFormat int

const (
	commonFormat logFormat = iota
	combinedFormat
	jsonFormat
	iisFormat
	cloudFrontFormat
	frontDoorFormat
	vercelFormat
	gatewayFormat
	cloudflareFormat
	akamaiFormat
	googleFormat
	envoyFormat
	awsFormat
	haproxyFormat
	logFormatCount
)

// logFormatNames are what people and programs are told.
var logFormatNames = [logFormatCount]string{
	commonFormat: "common", combinedFormat: "combined", jsonFormat: "JSON", iisFormat: "IIS W3C",
	cloudFrontFormat: "CloudFront", frontDoorFormat: "Azure Front Door", vercelFormat: "Vercel",
	gatewayFormat: "Azure Application Gateway", cloudflareFormat: "Cloudflare", akamaiFormat: "Akamai DataStream",
	googleFormat: "Google Cloud", envoyFormat: "Envoy", awsFormat: "AWS load balancer", haproxyFormat: "HAProxy",
}

// Formats is what the help says about logs.
const Formats = `A log is of the common or the combined format of Apache, nginx, Traefik and others,
also with fields of one's own behind it; of the W3C as IIS and CloudFront write it;
of HAProxy, Envoy, Istio or a load balancer of AWS; or of JSON, of which members are
known by their meaning: nginx, Caddy, Traefik, pino, Azure Front Door and Application
Gateway, Google Cloud, Cloudflare, Fastly, Akamai, Netlify, Vercel and more. Wrappings
of Docker, CRI, compose and syslog are taken off, and lists of JSON
({"records":[...]}, too) are read entry by entry. A log may be compressed with gzip,
bzip2, xz or zstd, whatever its name, and in UTF-16.
`

// Account says what was read of a log.
type Account struct {
	Lines, Unreadable int64 // without the empty ones and those beside; those that were no requests
	Cut               int64 // of the unreadable ones, whose rest is missing
	formats           [logFormatCount]int64
	Encoding          string // such as "UTF-8 in gzip"
}

// Read is how many lines were requests.
func (a *Account) Read() int64 { return a.Lines - a.Unreadable }

// Format is the name of the format that most requests have.
func (a *Account) Format() string {
	if a.Read() == 0 {
		return "unknown"
	}
	most := commonFormat
	for f, n := range a.formats {
		if n > a.formats[most] {
			most = logFormat(f)
		}
	}
	return logFormatNames[most]
}

// Read calls each for every request of an access log, in order. The log may
// be compressed, and in UTF-16. Its lines may be of any known format, mixed: the
// common and the combined one, JSON, and that of the W3C.
//
// It stops when ctx ends or r fails. What was read by then counts, except a line
// that was cut off.
func Read(ctx context.Context, r io.Reader, each func(*Line)) (a Account, err error) {
	text, encoding, err := decompress(r)
	a.Encoding = encoding
	if err != nil {
		return a, err
	}
	in := bufio.NewReaderSize(whileContext{ctx, split(bufio.NewReader(text))}, maxLine)
	var parser logParser
	for {
		line, err := nextLine(in)
		switch {
		case err == nil && len(line) == 0:
			continue
		case err == nil && parser.parse(line):
			a.formats[parser.format]++
			each(&parser.line)
		case err == nil && parser.beside:
			continue
		case err == nil, errors.Is(err, errLongLine):
			a.Unreadable++
		case errors.Is(err, io.EOF):
			a.Cut = parser.wrap.cut()
			a.Lines, a.Unreadable = a.Lines+a.Cut, a.Unreadable+a.Cut
			return a, nil
		default:
			return a, fmt.Errorf("stopped after %d lines: %w", a.Lines, err)
		}
		a.Lines++
	}
}

// whileContext fails to read once its context has ended. It stands above
// decompression, where no single read takes long.
type whileContext struct {
	ctx context.Context
	r   io.Reader
}

func (w whileContext) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(b)
}

// errLongLine stands for a line longer than the buffer, or one of zeros.
var errLongLine = errors.New("the line is too long, or nothing but zeros")

// nextLine returns the next line, without its end, the spaces around it and a
// byte order mark. It is without the zeros before it: logrotate's copytruncate leaves as many
// as the file had bytes (https://github.com/logrotate/logrotate/issues/130), and so do some
// file systems after a loss of power. Nothing but zeros is a line that cannot be read.
func nextLine(in *bufio.Reader) ([]byte, error) {
	skipped := false
	for zeros, _ := in.Peek(1); len(zeros) > 0 && zeros[0] == 0; zeros, _ = in.Peek(1) {
		skipped = true
		zeros, _ = in.Peek(in.Buffered())
		_, _ = in.Discard(len(zeros) - len(bytes.TrimLeft(zeros, "\x00"))) // they are in the buffer
	}
	line, err := in.ReadSlice('\n')
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case long, skipped && len(bytes.TrimSpace(line)) == 0:
		return nil, errLongLine
	case err != nil && len(line) == 0: // else it is the last line, without an end
		return nil, err
	}
	return bytes.TrimSpace(bytes.TrimPrefix(line, byteOrderMark)), nil
}

// logParser holds what a line is read into.
type logParser struct {
	line   Line
	format logFormat // of the line
	beside bool      // no request is missing in the line, though it is none
	json   jsonScanner
	w3c    w3cParser
	wrap   wrappings
}

// parse reads one line, which is not empty, and may overwrite it. It reports whether the
// line is a request.
func (p *logParser) parse(line []byte) bool {
	p.line, p.beside = Line{Bytes: -1}, false
	inner, more := p.wrap.unwrap(line)
	if more || len(inner) == 0 {
		p.beside = true
		return false
	}
	ok, within := p.plain(inner)
	for i := 0; !ok && !p.beside && i < maxWrapped && len(within) > 0; i++ {
		p.line = Line{Bytes: -1}
		if within, more = p.wrap.unwrap(within); more || len(within) == 0 {
			break
		}
		ok, within = p.plain(within)
	}
	return ok
}

// maxWrapped is how many wrappings of JSON a line may have.
const maxWrapped = 2

// plain reads a line without a wrapping. If it is no request, within is what it may be a
// wrapping of.
func (p *logParser) plain(line []byte) (ok bool, within []byte) {
	switch {
	case line[0] == '{':
		if !p.json.scan(line) {
			return false, nil
		}
		p.format, p.beside = p.json.format(), p.json.beside()
		if p.beside || p.json.fill(&p.line) {
			return !p.beside, nil
		}
		return false, p.json.wrapped()
	case line[0] == '#' && p.w3c.direct(line):
		p.beside = true
		return false, nil
	case len(p.w3c.columns) > 0 && p.w3c.read(line, &p.line):
		p.format = iisFormat
		if p.w3c.cloud {
			p.format = cloudFrontFormat
		}
		return true, nil
	}
	p.line = Line{Bytes: -1}
	object := bytes.IndexByte(line, '{')
	if p.format, ok = p.line.readText(line); !ok && object > 0 {
		return false, line[object:] // behind what a program puts before JSON
	}
	return ok, nil
}

// withoutPort returns the host of host:port, or of a host alone.
func withoutPort(host []byte) []byte {
	colon := bytes.LastIndexByte(host, ':')
	if colon < 0 {
		return host
	}
	name := host[:colon]
	if bytes.HasSuffix(name, []byte("]")) || bytes.IndexByte(name, ':') < 0 {
		return name
	}
	return host // the colon is one of an IPv6 address
}

// splitRequest returns the parts of a request line, or nil for both. Lenient
// servers have accepted spaces inside the target. nginx accepts a line without
// a version (HTTP/0.9).
func splitRequest(line []byte) (method, target []byte) {
	method, target, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return nil, nil
	}
	if i := bytes.LastIndex(target, []byte(" HTTP/")); i >= 0 {
		target = target[:i]
	}
	return method, target
}

// setTarget takes the method and the target of a request. It returns false if
// they are something else, such as what a scanner sends.
func (l *Line) setTarget(method, target []byte) bool {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if !isToken(method) || string(method) == "-" || len(target) == 0 || bytes.ContainsFunc(target, control) {
		return false
	}
	l.Method = method
	// RFC 9112, section 3.2, has three other forms of a target.
	if authority, path, ok := cutAbsolute(target); ok {
		l.Host, target = present(withoutPort(authority)), path
	}
	l.Target = target
	return target[0] == '/' || string(target) == "*" || string(method) == "CONNECT"
}

// cutAbsolute splits a web address. A proxy has one for a target, and some logs
// write whole addresses.
func cutAbsolute(target []byte) (authority, path []byte, ok bool) {
	if target[0] == '/' {
		return nil, nil, false
	}
	scheme, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok || !bytes.EqualFold(scheme, []byte("http")) && !bytes.EqualFold(scheme, []byte("https")) {
		return nil, nil, false
	}
	end := bytes.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, path = rest[:end], rest[end:]
	if !bytes.HasPrefix(path, []byte("/")) {
		path = slices.Concat([]byte("/"), path)
	}
	return authority, path, len(authority) > 0
}

// isToken reports whether the text can be a method (RFC 9110, section 5.6.2).
func isToken(text []byte) bool {
	for _, c := range text {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && ('0' > c || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(text) > 0
}

func (l *Line) setStatus(text []byte) bool {
	status, ok := parseDigits(text)
	l.Status = int(status)
	return ok && len(text) == 3 && status >= 100
}

// present returns nil for the two ways in which a log says that there is
// nothing.
func present(text []byte) []byte {
	if len(text) == 0 || string(text) == "-" {
		return nil
	}
	return text
}

// parseDigits reads a whole number.
func parseDigits(text []byte) (n int64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, 0 < len(text) && len(text) <= 18 // what 64 bits hold
}
