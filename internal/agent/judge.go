package agent

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/goaltrack/goaltrack/internal/web"
)

// Verdict says who sent a request, by its user agent.
type Verdict uint8

// The verdicts.
const (
	Person  Verdict = iota // nothing says that it is a machine's
	Machine                // it is a machine's, or is denied
	Allowed                // it counts as a person's, because the owner of the site says so
)

// Judge tells machines from people as [Sign] does, but for what is allowed and
// denied. It remembers verdicts, which take microseconds to reach, in a fixed number
// of places; a newcomer takes the place of another. It may be used by many at once.
type Judge struct {
	allow, deny []pattern

	seed  maphash.Seed
	slots [1024]atomic.Pointer[judged]
}

type judged struct {
	agent   string
	verdict Verdict
}

// NewJudge makes a judge. Each entry is a part of a user agent, matched without
// regard to case, in which * stands for any text. What is denied is not allowed.
func NewJudge(allow, deny []string) *Judge {
	return &Judge{allow: compile(allow), deny: compile(deny), seed: maphash.MakeSeed()}
}

// Of judges a user agent.
func (j *Judge) Of(ua string) Verdict {
	ua = web.CutUserAgent(ua)
	slot := &j.slots[maphash.String(j.seed, ua)%uint64(len(j.slots))]
	if known := slot.Load(); known != nil && known.agent == ua {
		return known.verdict
	}
	v := j.judge(ua)
	slot.Store(&judged{strings.Clone(ua), v})
	return v
}

func (j *Judge) judge(ua string) Verdict {
	if len(j.allow)+len(j.deny) > 0 {
		lower := strings.ToLower(ua)
		switch {
		case matchesAny(j.deny, lower):
			return Machine
		case matchesAny(j.allow, lower):
			return Allowed
		}
	}
	if Sign(ua) != "" {
		return Machine
	}
	return Person
}

// pattern is the texts between the stars of an entry, in order.
type pattern []string

func compile(entries []string) (list []pattern) {
	for _, e := range entries {
		list = append(list, strings.Split(strings.ToLower(e), "*"))
	}
	return list
}

// matches holds the pattern against a user agent in lower case.
func (p pattern) matches(agent string) bool {
	for _, part := range p {
		i := strings.Index(agent, part)
		if i < 0 {
			return false
		}
		agent = agent[i+len(part):]
	}
	return true
}

func matchesAny(list []pattern, agent string) bool {
	return slices.ContainsFunc(list, func(p pattern) bool { return p.matches(agent) })
}
