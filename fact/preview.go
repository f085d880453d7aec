package fact

import "time"

// Preview is for a person who wants to know what becomes of their own requests. It marks
// their browser with a cookie, and is told of each request that has it. Package
// report/live has one. A tracker asks it for requests that have such a cookie, and for no
// others. All methods are called by goroutines of requests and of the delivery, by many
// at once. They must not block.
type Preview interface {
	// Cookie is the name of the cookie.
	Cookie() string
	// Watch returns who is told of a request with a value of the cookie, nil if the value
	// is not one that this Preview made, or is over.
	Watch(value string) Watcher
	// Answered is told what became of an event of any visitor: "delivered", or "dead: "
	// and the reason.
	Answered(goal, browserID, became string)
}

// Watcher is told of one request.
type Watcher interface {
	// Dry reports whether nothing may be sent for the request, and no cookie changed. It
	// then counts for nothing, with the reason preview.
	Dry() bool
	// Sends is told what the request sends, or would send, before that may be answered.
	Sends(Sent)
	// Saw is told what became of the request, when that is known.
	Saw(Seen)
}

// Sent is what a goal sends.
type Sent struct {
	Goal      string
	BrowserID string   // "" if the visitor has none yet
	Events    []string // the bodies for the CDP; what says who the visitor is stands there as ***
}

// Seen is a request, and what became of each goal of the rules.
type Seen struct {
	Time time.Time
	Site string
	// Method and Path are as rules see them. Path has no query.
	Method, Path string
	// Status and Location are of the answer, 0 and "" if it was not looked at.
	Status   int
	Location string
	// Refused is why nothing of the request may count, as for a visitor who did not
	// agree, "" if it may.
	Refused string
	Goals   []SeenGoal
}

// SeenGoal is what became of a goal.
type SeenGoal struct {
	Name, Label string
	// Reason is [Fired], the name of the reason why it does not count, or "" if the
	// request has nothing to do with the goal. Why says it in words, as far as there are
	// any.
	Reason, Why string
}
