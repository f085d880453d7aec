package tap

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Hook is told the final status once, right before the response header is
// written. That is the last moment at which a header can be added. If the
// handler wrote nothing, [Recorder.Finish] tells it 200.
type Hook interface {
	BeforeHeader(status int)
	// Fault is told of a panic of goaltrack's own while it looked at what was written. The
	// answer goes on, and nobody looks at the rest.
	Fault(p any)
}

// recorder observes one response and changes nothing about it. It never calls
// WriteHeader for the handler, and swallows no call but those that net/http would
// only log (see complain). So net/http keeps its defaults and its panics.
//
// The handler's writer has the exported methods of recorder. So only methods
// for handlers are exported; see [Recorder] for the others.
type recorder struct {
	inner   http.ResponseWriter
	request *http.Request // nil if it is not known, and when the handler has returned
	hook    Hook

	status    int  // final status; 0 until known
	committed bool // the final status is decided and cannot change
	hijacked  bool // the connection belongs to the handler: there is no response

	// After a flush of a writer that is not a server's, nobody here knows whether a
	// header has left. Some such writers ignore a flush that comes too early, as that of
	// NYTimes/gziphandler before the first write. Others pass it on to a writer that cannot
	// flush, so that none has left, but the hook has run. flushed says that there was one
	// before the status was decided, and disputed that the handler then named another
	// status than 200. It also says that somebody has answered in the handler's place,
	// which took too long.
	flushed, disputed bool

	// wantSniff makes contentType known even if the handler sets none. It must
	// be set before or inside the hook.
	wantSniff bool

	hooked   bool  // the hook has run
	sniffing bool  // bytes written now still decide the Content-Type
	offers   shape // what the handler's writer can do
	ctype    string
	lead     []byte // the write under way, while the hook runs, or
	leadText string // the same as a string
	kept     []byte // first bytes written while sniffing, at most sniffLen

	wrote bool // the answer has a body
	muted bool // the hook must not run any more; here it takes no memory
	// answer keeps the body if the hook asks for it; nil otherwise.
	answer *scan.Tee
}

// init makes the recorder watch w. It is called before any other method.
func (rec *recorder) init(w http.ResponseWriter, r *http.Request, hook Hook) {
	*rec = recorder{inner: w, request: r, hook: hook}
}

// finish is called after the handler returned normally. If nothing was written,
// net/http is about to send an empty 200, and the hook is told so.
func (rec *recorder) finish() {
	rec.before(http.StatusOK)
	rec.commit(http.StatusOK)
	rec.request = nil
}

// awaitsHook reports whether the hook is still to run.
func (rec *recorder) awaitsHook() bool { return !rec.hooked && !rec.muted && !rec.hijacked }

// before runs the hook, once, and notes what the header says after it.
func (rec *recorder) before(status int) {
	if !rec.awaitsHook() {
		return
	}
	rec.hooked = true
	rec.hook.BeforeHeader(status)

	h := rec.inner.Header()
	rec.ctype, _ = web.First(h["Content-Type"])
	// The key counts, not its value: with a nil Content-Type a handler turns
	// detection off. An encoded body is not detected (https://go.dev/issue/31753).
	rec.sniffing = rec.wantSniff && rec.detects(h)
}

// commit records the status. Only the first status reached the client.
func (rec *recorder) commit(status int) {
	if !rec.committed && !rec.hijacked {
		rec.committed, rec.status = true, status
	}
}

// Header returns the inner header map.
func (rec *recorder) Header() http.Header { return rec.inner.Header() }

// WriteHeader passes every code on. Informational codes (RFC 9110, section
// 15.2) are not the response, except 101, which ends HTTP on the connection. If
// net/http refuses a code, it panics. The hook must not have run by then,
// because a handler may recover and answer otherwise. For the same reason the
// status is recorded after the inner call.
func (rec *recorder) WriteHeader(code int) {
	if rec.hijacked && rec.complain("response.WriteHeader on hijacked connection") ||
		rec.committed && rec.complain("superfluous response.WriteHeader call") {
		return
	}
	informational := code < 200 && code != http.StatusSwitchingProtocols
	if informational || code > 999 || rec.committed {
		rec.inner.WriteHeader(code)
		return
	}
	rec.before(code)
	rec.inner.WriteHeader(code)
	rec.disputed = rec.flushed && code != http.StatusOK
	rec.commit(code)
}

// Write implements [io.Writer]. Even an empty write commits a 200.
func (rec *recorder) Write(p []byte) (int, error) {
	if rec.hijacked && len(p) > 0 && rec.complain("response.Write on hijacked connection") {
		return 0, http.ErrHijacked
	}
	rec.lead = p
	rec.before(http.StatusOK)
	rec.lead = nil
	n, err := rec.inner.Write(p)
	rec.commit(http.StatusOK)
	if entered(err) {
		rec.wrote = rec.wrote || len(p) > 0
		if rec.sniffing || rec.answer != nil {
			rec.look(p)
		}
	}
	rec.mayBeLate(err)
	return n, err
}

// WriteString implements [io.StringWriter]. Every shape has it, because
// io.WriteString falls back to Write anyway.
func (rec *recorder) WriteString(s string) (int, error) {
	if rec.hijacked && s != "" && rec.complain("response.Write on hijacked connection") {
		return 0, http.ErrHijacked
	}
	rec.leadText = s
	rec.before(http.StatusOK)
	rec.leadText = ""
	n, err := io.WriteString(rec.inner, s)
	rec.commit(http.StatusOK)
	if entered(err) {
		rec.wrote = rec.wrote || s != ""
		if rec.sniffing || rec.answer != nil {
			rec.lookAt(s)
		}
	}
	rec.mayBeLate(err)
	return n, err
}

// look notes what was written. It has been written then, so that a fault of ours is none of the
// handler's.
func (rec *recorder) look(p []byte) {
	defer rec.recovered()
	if rec.sniffing {
		rec.sniff(p)
	}
	scan.Keep(rec.answer, p)
}

// lookAt is look for a string.
func (rec *recorder) lookAt(s string) {
	defer rec.recovered()
	if rec.sniffing {
		rec.keep(s[:min(len(s), rec.sniffRoom())])
	}
	scan.Keep(rec.answer, s)
}

// endLook is endSniff while the handler runs.
func (rec *recorder) endLook() {
	defer rec.recovered()
	rec.endSniff()
}

// recovered is deferred around what only looks at the answer. After a fault its type is not
// known, and its body could not be read.
func (rec *recorder) recovered() {
	p := recover()
	if p == nil {
		return
	}
	rec.sniffing, rec.ctype, rec.kept = false, "", nil
	rec.answer.Fail()
	rec.answer = nil
	rec.hook.Fault(p)
}

// flushError is FlushError in the shapes that have it.
func (rec *recorder) flushError() error {
	rec.before(http.StatusOK)
	err := http.NewResponseController(rec.inner).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		rec.flushed = rec.flushed || !rec.committed
		return err
	}
	if rec.endLook(); rec.committed || isServers(flushed(rec.inner)) {
		rec.commit(http.StatusOK)
	} else {
		rec.flushed = true
	}
	return err
}

// hijack is Hijack in the shapes that have it.
func (rec *recorder) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(rec.inner).Hijack()
	if err == nil {
		rec.hijacked = true
	}
	return conn, rw, err
}

// readFrom is ReadFrom in the shapes that have it. The inner writer always gets
// src itself, because sendfile and splice need to see the file or the socket.
//
// If src is empty or fails, net/http commits nothing, and the handler may still
// answer 500. The hook cannot be undone. So while it has not run, the first
// read of src is ours. Those bytes go through Write, and the same src goes on
// with the rest, as in net/http (https://go.dev/issue/5660). After WriteHeader, as in
// http.ServeContent, src is untouched unless we sniff.
func (rec *recorder) readFrom(src io.Reader) (int64, error) {
	lead, err := rec.leadFrom(src)
	if err == io.EOF { //nolint:errorlint // as io.Copy: only a bare EOF ends a stream
		return lead, nil
	}
	if err != nil {
		return lead, err
	}
	if rec.answer.Wants() { // only of what may be JSON, and no more than may be kept
		n, err := io.CopyN(struct{ io.Writer }{rec}, src, scan.AnswerLimit+1)
		lead += n
		if err == io.EOF { //nolint:errorlint // as io.CopyN says it
			return lead, nil
		}
		if err != nil {
			return lead, err
		}
	}
	n, err := rec.inner.(io.ReaderFrom).ReadFrom(src)
	if n > 0 {
		rec.wrote = true
		rec.commit(http.StatusOK)
	}
	rec.mayBeLate(err)
	return lead + n, err
}

// leadFrom writes the first bytes of src by Write. It writes none if nothing
// depends on them, as many as are sniffed, or else one read to know that there
// are any.
func (rec *recorder) leadFrom(src io.Reader) (n int64, err error) {
	var buf []byte
	for rec.sniffing || rec.awaitsHook() {
		if buf == nil {
			buf = make([]byte, sniffLen)
		}
		k, readErr := src.Read(buf[:rec.sniffRoom()])
		if k > 0 {
			wrote, err := rec.Write(buf[:k])
			n += int64(wrote)
			if err != nil {
				return n, err
			}
			if wrote != k {
				return n, io.ErrShortWrite
			}
		}
		if readErr != nil {
			return n, readErr
		}
	}
	return n, nil
}

// mayBeLate notes a write that is refused because another answer was sent in place of all
// that the handler wrote. A middleware between may have hidden that the request's time was over.
func (rec *recorder) mayBeLate(err error) {
	rec.disputed = rec.disputed || err != nil && errors.Is(err, http.ErrHandlerTimeout)
}

// entered reports whether a write reached the place where net/http looks at it.
// The count does not say that. In an answer to HEAD, HTTP/2 sends the header of
// a long write and then fails with 0 bytes, because the stream is over.
func entered(err error) bool {
	return err == nil || !errors.Is(err, http.ErrBodyNotAllowed) && !errors.Is(err, http.ErrContentLength) &&
		!errors.Is(err, http.ErrHijacked) && !errors.Is(err, http.ErrHandlerTimeout)
}
