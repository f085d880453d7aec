package fact

// Limits say what a calendar month may cost at Sitecore, for all sites of a tracker
// together. Nothing is held back at once: at 80 % of a limit the log says so. When all IDs
// are made, IDs are made for goals alone, and no longer for visits. Events are sent
// whatever their limit says, because one that is not sent is a goal that is lost.
type Limits struct {
	// IDs is how many browser IDs may be made in a month, and Events how many requests
	// with events may be sent. 0 is no limit. IDs that are made for goals may go beyond.
	IDs, Events uint64
	// Spent returns how many were made and sent in this month, by all who share the
	// limits, also before this process started. It is asked often and by many goroutines
	// at once, so it must not wait for anything. Most give it the method Spent of a
	// report's recorder. Default: nil, and only what this process spends is known.
	Spent func() (ids, events uint64)
}

// Month is what this month has cost so far, and what it may cost; see [Limits].
type Month struct {
	IDs         uint64 `json:"ids"`
	LimitIDs    uint64 `json:"limitIDs,omitempty"` // 0: none
	Events      uint64 `json:"events"`
	LimitEvents uint64 `json:"limitEvents,omitempty"` // 0: none
}

// IsNear reports whether so much is 80 % of a limit or more. A limit of 0 is none.
func IsNear(spent, limit uint64) bool { return limit > 0 && spent >= limit-limit/5 }
