package deliver

import "github.com/goaltrack/goaltrack/internal/recent"

// replacing decides whether a browser ID that the CDP does not know may be
// replaced. A wrong tenant or region knows no ID, and if every visitor's ID
// were replaced in one bad hour, nobody could undo it. Somebody who makes up
// IDs must not get a guest for each of them.
type replacing struct {
	seen   recent.Verdicts // verdicts on IDs that visitors brought, each at its first try
	credit int             // what replacements may be paid with
	passed bool            // one of them was accepted in this process
}

// The share of unknown browser IDs is judged over the last idsSeen of them, and
// not before there are idsLeast: at most one in idShare. Each that is accepted for
// the first time gives one point of credit, up to idCredit, and a replacement
// costs idShare of them. An event from the bench needs half of idCredit, so that
// a burst of IDs made up does not use up what guests need who were deleted in
// the CDP.
const (
	idsSeen  = 100
	idsLeast = 10
	idShare  = 5
	idCredit = 20 * idShare
)

// recognised is called for an ID that a visitor brought and the CDP knows.
func (r *replacing) recognised(id string) {
	r.passed = true
	if !r.seen.Has(id) {
		r.credit = min(r.credit+1, idCredit)
	}
	r.seen.Add(id, false, idsSeen)
}

// unrecognised is called for an ID that the CDP does not know, at the first try
// of its event.
func (r *replacing) unrecognised(id string) { r.seen.Add(id, true, idsSeen) }

// spend reports whether an ID may be replaced, and pays for it if so.
func (r *replacing) spend(firstTry bool) bool {
	all, bad := r.seen.Count()
	least := idShare
	if !firstTry {
		least = idCredit / 2
	}
	if !r.passed || all < idsLeast || idShare*bad > all || r.credit < least {
		return false
	}
	r.credit -= idShare
	return true
}
