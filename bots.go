package goaltrack

import (
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"zgo.at/isbot"

	"github.com/goaltrack/goaltrack/internal/web"
)

// Bots corrects the verdicts on user agents, which come from
// https://pkg.go.dev/zgo.at/isbot. Each entry is a part of a user agent, in
// which * stands for any text: "HeadlessChrome", "Pingdom*bot". Case does not
// matter. Only the first 512 bytes of a user agent are looked at. New refuses
// an entry without text or with more than 512 bytes, and a list of more than
// 256.
type Bots struct {
	// Allow are not bots, whatever isbot says: a customer's procurement
	// program, or a browser that is wrongly suspected. Default: none.
	Allow []string
	// Deny are bots, even if Allow has them as well: a monitor, a test suite. A
	// bot that is counted does more harm than a visitor who is not. Default:
	// none.
	Deny []string
}

// maxBotPatterns bounds a list, since each new user agent is held against all.
const maxBotPatterns = 256

func (b *Bots) validate() error {
	var errs configFaults
	for _, list := range []struct {
		name     string
		patterns []string
	}{{"Allow", b.Allow}, {"Deny", b.Deny}} {
		if len(list.patterns) > maxBotPatterns {
			errs.add("Bots.%s: more than %d entries", list.name, maxBotPatterns)
		}
		for _, p := range list.patterns {
			if strings.Trim(p, "* ") == "" || len(p) > web.MaxUserAgent {
				errs.add("Bots.%s: %.40q is no part of a user agent, of at most %d bytes, with * for any text", list.name, p, web.MaxUserAgent)
			}
		}
	}
	return errors.Join(errs...)
}

// agentPattern is an entry of [Bots]: the texts between its stars, in order.
type agentPattern []string

func compileAgents(patterns []string) (list []agentPattern) {
	for _, p := range patterns {
		list = append(list, strings.Split(strings.ToLower(p), "*"))
	}
	return list
}

// matches holds the pattern against a user agent in lower case.
func (p agentPattern) matches(agent string) bool {
	for _, part := range p {
		i := strings.Index(agent, part)
		if i < 0 {
			return false
		}
		agent = agent[i+len(part):]
	}
	return true
}

func matchesAny(list []agentPattern, agent string) bool {
	return slices.ContainsFunc(list, func(p agentPattern) bool { return p.matches(agent) })
}

// botCache remembers verdicts on user agents, which take a microsecond or two to
// reach. It has a fixed number of places; a newcomer takes the place of another.
type botCache struct {
	allow, deny []agentPattern

	seed  maphash.Seed
	slots [1024]atomic.Pointer[botVerdict]
}

type botVerdict struct {
	userAgent string
	bot       bool
}

func newBotCache(b Bots) *botCache {
	return &botCache{allow: compileAgents(b.Allow), deny: compileAgents(b.Deny), seed: maphash.MakeSeed()}
}

func (c *botCache) is(ua string) bool {
	slot := &c.slots[maphash.String(c.seed, ua)%uint64(len(c.slots))]
	if v := slot.Load(); v != nil && v.userAgent == ua {
		return v.bot
	}
	bot := c.judge(ua)
	slot.Store(&botVerdict{strings.Clone(ua), bot})
	return bot
}

func (c *botCache) judge(ua string) bool {
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
