package goaltrack

// NothingWritten says what the answer is when a handler returned and wrote
// nothing.
type NothingWritten string

const (
	// NothingAuto takes it for the empty 200 that net/http sends then, if the
	// [http.ResponseWriter] is net/http's own: that of a server, of
	// [http.TimeoutHandler], or a [net/http/httptest.ResponseRecorder]. In any
	// other writer there may be a framework around whose handlers return their
	// errors, which are written when goaltrack's part is over: then it is
	// NothingUndecided.
	NothingAuto NothingWritten = "auto"
	// NothingIs200 takes it for 200 always. It is for sites that wrap
	// net/http's writer themselves, to log or to compress, and whose handlers
	// write their errors themselves.
	NothingIs200 NothingWritten = "200"
	// NothingUndecided never takes it for an answer: no visit, form or download
	// counts, with the reason nothing_written. It is for a site whose handlers
	// return errors and are handed net/http's own writer.
	NothingUndecided NothingWritten = "undecided"
)

// leftUnanswered reports whether the handler, which has returned, left it to somebody
// further out what the answer is.
func (tr *tracked) leftUnanswered() bool {
	if tr.rec.Begun() {
		return false
	}
	switch tr.t.config.NothingWritten {
	case NothingIs200:
		return false
	case NothingUndecided:
		return true
	}
	return !tr.rec.IsServers()
}
