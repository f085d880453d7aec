package rule

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/agent"
	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// LogEntry is a request as an access log tells it. What a log does not have is left
// empty.
type LogEntry struct {
	// Method is in upper case, Target the path and the query, escaped.
	Method, Host, Target string
	// UserAgent and Referer are headers of the request, Location and ContentType
	// of the answer.
	UserAgent, Referer, Location, ContentType string
	// Status is that of the answer.
	Status int
	// Time is when the request came.
	Time time.Time
}

// Replay counts what rules would have counted in the requests of a log. A log tells
// neither forms nor headers, and seldom where a redirect leads. What it does not tell is
// taken to hold, so the counts of such goals are upper bounds. Requests by what calls
// itself a robot do not count. It is made by [Set.NewReplay] and belongs to one goroutine
// at a time. It holds a bounded amount of memory, however long the log is.
type Replay struct {
	// PathPrefix is taken off addresses, as goaltrack's Config.PathPrefix is. It
	// is set before the first entry. What is no prefix changes nothing.
	// Default: none.
	PathPrefix string
	// HealthPaths, EditorPaths and EditorModes are what goaltrack's Config.Ignore is, but for
	// cookies, which no log has. What is for them counts nothing. They are set before the
	// first entry. Default: as there.
	HealthPaths, EditorPaths, EditorModes []string
	// Tells is to whom facts are told of each request whose time is known. It is set
	// before the first entry. Default: nobody.
	Tells ReplayTells

	rules   *Set
	agents  map[string]bool   // user agents met lately: whether each is a bot
	types   map[string]string // types of answers by the endings met
	counts  map[*goal]*ReplayCount
	leads   map[*goal]*Leads
	unruled map[request]*unruled // forms and downloads without a goal

	// What entries did not tell that mattered.
	noHost, noLocation, noTime bool

	// For each entry anew, in memory that stays: a log has millions of lines.
	found []*Cause
	x     Exchange
}

// ReplayCount is what a log says about one goal.
type ReplayCount struct {
	// Goal is the goal's name.
	Goal string
	// Status is "live", "draft" or "paused". A draft is counted here, though
	// it would not be sent; what is paused is not counted.
	Status string
	// Count is how often the goal would have counted, at most. Guessed of them
	// depend on what the log does not tell.
	Count, Guessed uint64
	// NotFired counts why it would not have counted, by the names of reasons, and
	// "bot".
	NotFired map[string]uint64
	// LedTo tells where the forms led that were accepted, as far as the log does,
	// the most frequent first.
	LedTo []Lead
	// Untold names what the guesses depend on, such as "where a redirect leads"
	// and "form.email". It is nil if nothing was guessed.
	Untold []string
	// Raised says that no request makes the goal happen: it is raised in code, or it
	// happens inside a page. No log tells how often.
	Raised bool
	// InPage says that the goal happens inside a page, or can also do so, which no log
	// tells.
	InPage bool
}

type request struct{ method, path string }

// These bound what a Replay remembers: user agents, endings, addresses without
// a goal, and the length of such an address in bytes.
const (
	keptAgents  = 10_000
	keptTypes   = 1000
	keptUnruled = 10_000
	maxUnruled  = 512
)

// NewReplay starts a count of what the rules make of a log.
func (s *Set) NewReplay() *Replay {
	r := &Replay{
		rules: s, agents: make(map[string]bool), types: make(map[string]string), counts: make(map[*goal]*ReplayCount, len(s.goals)), leads: map[*goal]*Leads{},
		unruled: make(map[request]*unruled), HealthPaths: web.HealthPaths(), EditorPaths: web.EditorPaths(), EditorModes: web.EditorModes(),
		x: Exchange{typeKnown: true, navigation: true, bodyReason: Fires, blind: true},
	}
	for _, g := range s.goals {
		r.leads[g] = new(Leads)
		r.counts[g] = &ReplayCount{Goal: g.Name, Status: cmp.Or(g.Status, statusLive), NotFired: map[string]uint64{}}
	}
	return r
}

// Add counts one request. It keeps no part of the texts of e for longer than until the
// next call. An entry without a method matches no rule.
func (r *Replay) Add(e LogEntry) {
	target, rawQuery, _ := strings.Cut(e.Target, "?")
	page := target
	if strings.IndexByte(target, '%') >= 0 {
		if p, err := url.PathUnescape(target); err == nil {
			page = p
		}
	}
	x := &r.x // of which the rest stays as NewReplay set it
	prefix := ""
	if r.PathPrefix != "" {
		prefix = urlpath.NormalPrefix(r.PathPrefix)
	}
	whole := urlpath.Normal(page)
	page = urlpath.CutPrefix(whole, prefix)
	x.setOdd(oddAddress{prefix: prefix, taken: urlpath.CutOff(whole, page)})
	soft := navigation.IsSoft(nil, page, "")
	page, other := navigation.PagesOf(page, "", e.Referer)
	x.method, x.host, x.path, x.rawQuery = e.Method, e.Host, page, rawQuery
	x.Fetched(soft, other)
	x.anyHost = e.Host == ""
	x.userAgent, x.referer, x.pageKnown = e.UserAgent, e.Referer, false
	x.status, x.location, x.contentType = e.Status, e.Location, e.ContentType
	r.found = r.rules.index.Find(e.Method, page, r.found[:0])
	if other != "" {
		for _, c := range r.rules.index.Find(e.Method, other, nil) {
			if c.IsPage() && !slices.Contains(r.found, c) {
				r.found = append(r.found, c)
			}
		}
	}
	if why := r.ignores(page, rawQuery); why != "" {
		for i, c := range r.found {
			if !among(r.found[:i], c.goal) {
				r.counts[c.goal].NotFired[why]++
			}
		}
		return
	}
	r.tellVisit(&e, page)
	if len(r.found) == 0 {
		r.noteUnruled(&e, page)
		return
	}
	if x.contentType == "" && (e.Status == http.StatusOK || e.Status == http.StatusNotModified) {
		x.contentType = r.typeOf(path.Ext(page))
	}
	r.noHost = r.noHost || e.Host == ""
	r.noLocation = r.noLocation || e.Location == "" && web.IsRedirect(e.Status)
	r.noTime = r.noTime || e.Time.IsZero()
	bot := r.isBot(&e)
	for i, c := range r.found {
		if !among(r.found[:i], c.goal) {
			r.count(r.found[i:], bot, e.Time)
		}
	}
}

// isBot judges the user agent. A log has more of them than visit a live site at
// a time, so it has a larger cache than that.
func (r *Replay) isBot(e *LogEntry) bool {
	ua := web.CutUserAgent(e.UserAgent)
	if ua == "" {
		return false
	}
	bot, known := r.agents[ua]
	if !known {
		if len(r.agents) >= keptAgents {
			clear(r.agents)
		}
		bot = agent.Sign(ua) != ""
		r.agents[strings.Clone(ua)] = bot
	}
	return bot
}

// typeOf is typeByPath, which allocates, for the ending of a path.
func (r *Replay) typeOf(ending string) string {
	t, known := r.types[ending]
	if !known {
		t = typeByPath(ending)
		if len(r.types) < keptTypes && len(ending) <= maxUnruled {
			r.types[strings.Clone(ending)] = t
		}
	}
	return t
}

// among reports whether one of the causes is of the goal.
func among(causes []*Cause, g *goal) bool {
	for _, c := range causes {
		if c.goal == g {
			return true
		}
	}
	return false
}

// count counts the goal of the first cause. If the goal has several, one is enough.
func (r *Replay) count(causes []*Cause, bot bool, at time.Time) {
	g := causes[0].goal
	counted, why, by := r.counts[g], "", causes[0]
	for _, c := range causes {
		if c.goal != g {
			continue
		}
		r.x.guessed = false
		if bot && !c.countsBots() {
			why = reasonBot
			continue
		}
		by = c
		reason := r.judge(c, at)
		if why = reason.String(); reason == Fires {
			if why = ""; c.kind == causeSubmit {
				r.leads[g].Count(&r.x)
			}
			break
		}
	}
	r.tellGoal(by, why, at)
	if why != "" {
		counted.NotFired[why]++
		return
	}
	counted.Count++
	if r.x.guessed {
		counted.Guessed++
	}
}

func (r *Replay) judge(c *Cause, at time.Time) Reason {
	x, limits := &r.x, &c.goal.limits
	x.at(c)
	if at.IsZero() && !limits.always() {
		at, x.guessed = limits.sometime(), true
	}
	reason := c.goal.judgeAt(x, at)
	if reason == Fires {
		reason = c.judgeLate(x, r.rules.failure)
	}
	if reason == ReasonOtherForm {
		// No log tells what a form calls itself. All else held: this is what
		// is asked last.
		reason, x.guessed = Fires, true
	}
	x.guessed = x.guessed || c.goal.past.Counts() || len(c.goal.Env) > 0 || len(limits.hosts) > 0 && x.host == ""
	return reason
}

// Counts returns what was counted so far, in the order of the rules. The list is the
// caller's.
func (r *Replay) Counts() []ReplayCount {
	list := make([]ReplayCount, 0, len(r.rules.goals))
	for _, g := range r.rules.goals {
		counted := *r.counts[g]
		counted.NotFired, counted.LedTo = maps.Clone(counted.NotFired), r.leads[g].List()
		if counted.Guessed > 0 {
			counted.Untold = r.untold(g)
		}
		counted.Raised = !slices.ContainsFunc(g.causes, func(c Cause) bool {
			return c.byRequest()
		})
		counted.InPage = slices.ContainsFunc(g.causes, func(c Cause) bool { return c.told() })
		list = append(list, counted)
	}
	return list
}

// untold lists what the goal depends on and the log did not tell.
func (r *Replay) untold(g *goal) (list []string) {
	if len(g.Env) > 0 {
		list = append(list, "env")
	}
	if g.past.Scope != visit.PerRequest {
		list = append(list, "whether it had counted before ("+g.Count+")")
	}
	if g.Session != "" {
		list = append(list, "which session of the visitor it is ("+g.Session+")")
	}
	for i := range g.first {
		list = append(list, g.first[i].key)
	}
	if g.comesAfter() {
		list = append(list, "what came before ("+g.afterInWords()+")")
	}
	if not := g.notAfter(); len(not) > 0 {
		list = append(list, "what came before (not after "+strings.Join(not, ", ")+")")
	}
	if len(g.limits.hosts) > 0 && r.noHost {
		list = append(list, "hosts")
	}
	if !g.limits.always() && r.noTime {
		list = append(list, "the time")
	}
	for _, c := range g.causes {
		if c.kind == causeSubmit {
			list = append(list, r.untoldOfSuccess(&g.success)...)
		}
		if c.form != "" {
			list = append(list, "what the form calls itself")
		}
	}
	x := Exchange{blind: true, contentType: "text/html"} // a type is guessed by the ending
	if !r.noHost {
		x.host = "told"
	}
	for _, cond := range slices.Concat(g.early, g.late) {
		if cond.from.hidden(&x) {
			list = append(list, cond.key)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (r *Replay) untoldOfSuccess(s *success) []string {
	switch {
	case s.kind == successConfirmed:
		return []string{"whether the application confirmed it"}
	case s.kind == successIf:
		return []string{"what the answer says"}
	case s.kind == successStatus, s.kind == successClass, !r.noLocation:
		return nil
	}
	return []string{"where a redirect leads"}
}
