// Package bots recognises machines by their user agents.
package bots

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"zgo.at/isbot"
)

// pattern is the texts between its stars, in order.
type pattern []string

func compile(patterns []string) (list []pattern) {
	for _, p := range patterns {
		list = append(list, strings.Split(strings.ToLower(p), "*"))
	}
	return list
}

// matches looks for the pattern in a user agent in lower case.
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

// Cache remembers verdicts on user agents, because one takes a microsecond or
// two. It has a fixed number of places; a new user agent takes the place of
// another. It is safe for concurrent use.
type Cache struct {
	allow, deny []pattern

	seed  maphash.Seed
	slots [1024]atomic.Pointer[verdict]
}

type verdict struct {
	userAgent string
	bot       bool
}

// New returns a cache of isbot's verdicts. User agents with a pattern in allow
// are no bots. Those with a pattern in deny are bots, even if they are in both.
// In a pattern * stands for any text, and case does not matter.
func New(allow, deny []string) *Cache {
	return &Cache{allow: compile(allow), deny: compile(deny), seed: maphash.MakeSeed()}
}

// Is reports whether a user agent is that of a machine.
func (c *Cache) Is(ua string) bool {
	slot := &c.slots[maphash.String(c.seed, ua)%uint64(len(c.slots))]
	if v := slot.Load(); v != nil && v.userAgent == ua {
		return v.bot
	}
	bot := c.judge(ua)
	slot.Store(&verdict{strings.Clone(ua), bot})
	return bot
}

func (c *Cache) judge(ua string) bool {
	if len(c.allow)+len(c.deny) > 0 {
		lower := strings.ToLower(ua)
		switch {
		case matchesAny(c.deny, lower):
			return true
		case matchesAny(c.allow, lower):
			return false
		}
	}
	return isbot.Is(isbot.UserAgent(ua))
}
