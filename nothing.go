package goaltrack

// NothingWritten says what the answer is if a handler returned and wrote
// nothing.
type NothingWritten string

const (
	// NothingAuto decides by the [http.ResponseWriter]. In net/http's own
	// writer it is the empty 200 that net/http sends then. That is the writer
	// of a server, of [http.TimeoutHandler], or a
	// [net/http/httptest.ResponseRecorder]. Any other writer may belong to a
	// framework that writes the errors of its handlers when goaltrack's part is
	// over. There it is NothingUndecided.
	NothingAuto NothingWritten = "auto"
	// NothingIs200 always means 200. It is for sites that wrap net/http's
	// writer themselves, to log or to compress, and whose handlers write their
	// own errors.
	NothingIs200 NothingWritten = "200"
	// NothingUndecided never takes it for an answer. No visit, form or download
	// counts then, with the reason nothing_written. It is for a site whose
	// handlers return errors and get net/http's own writer.
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
