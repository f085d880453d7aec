package rule

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"zgo.at/isbot"

	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/web"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// LogEntry is a request as an access log tells it. What a log does not have is
// left empty.
type LogEntry struct {
	Method, Host, Target         string // Target is the path and the query
	UserAgent, Referer, Location string
	ContentType                  string
	Status                       int
	Time                         time.Time
}

// Replay counts what rules would have counted in the requests of a log. A log
// tells neither forms nor headers, and seldom where a redirect leads: what it
// does not tell is taken to hold, so the counts of such goals are upper bounds.
// A Replay is not safe for concurrent use. It holds a bounded amount of memory.
type Replay struct {
	// PathPrefix is taken off addresses, as Config.PathPrefix is. What is no
	// prefix changes nothing. Default: none.
	PathPrefix string

	rules   *Set
	agents  map[string]bool   // user agents met lately: whether each is a bot
	types   map[string]string // types of answers by the endings met
	counts  map[*goal]*ReplayCount
	leads   map[*goal]*Leads
	unruled map[request]*uint64 // forms and downloads without a goal

	// What entries did not tell that mattered.
	noHost, noLocation, noTime bool

	// For each entry anew, in memory that stays: a log has millions of lines.
	found []*Cause
	x     Exchange
}

// ReplayCount is what a log says about one goal.
type ReplayCount struct {
	Goal string
	// Status is "live", "draft" or "paused". A draft is counted here, though
	// it would not be sent; what is paused is not counted.
	Status string
	// Count is how often the goal would have counted, at most; Guessed of them
	// depend on what the log does not tell.
	Count, Guessed uint64
	// NotFired counts why it would not have counted, by the names of the
	// snapshot's fates.
	NotFired map[string]uint64
	// LedTo tells where the forms led that were accepted, as far as the log
	// does.
	LedTo []Lead
	// Untold names what the guesses depend on, such as "where a redirect leads"
	// and "form.email".
	Untold []string
	// Raised says that the goal is raised in code or by a page script: no log
	// tells how often.
	Raised bool
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

// NewReplay starts a count.
func (rs *Set) NewReplay() *Replay {
	r := &Replay{
		rules: rs, agents: make(map[string]bool), types: make(map[string]string), counts: make(map[*goal]*ReplayCount, len(rs.goals)), leads: map[*goal]*Leads{},
		unruled: make(map[request]*uint64),
		x:       Exchange{typeKnown: true, navigation: true, formFate: Fires, blind: true},
	}
	for _, g := range rs.goals {
		r.leads[g] = new(Leads)
		r.counts[g] = &ReplayCount{Goal: g.Name, Status: cmp.Or(g.Status, statusLive), NotFired: map[string]uint64{}}
	}
	return r
}

// Add counts one request. It keeps no part of the texts of e for longer than
// until the next call.
func (r *Replay) Add(e LogEntry) {
	target, rawQuery, _ := strings.Cut(e.Target, "?")
	page := target
	if strings.IndexByte(target, '%') >= 0 {
		if p, err := url.PathUnescape(target); err == nil {
			page = p
		}
	}
	x := &r.x // of which the rest stays as NewReplay set it
	if r.PathPrefix == "" {
		x.prefix = ""
	} else if x.prefix == "" {
		x.prefix = urlpath.NormalPrefix(r.PathPrefix)
	}
	whole := urlpath.Normal(page)
	page = urlpath.CutPrefix(whole, x.prefix)
	x.taken = urlpath.CutOff(whole, page)
	soft := navigation.IsSoft(nil, page)
	page = navigation.PageOf(page)
	x.method, x.host, x.path, x.rawQuery = e.Method, e.Host, page, rawQuery
	x.soft, x.anyHost = soft, e.Host == ""
	x.userAgent, x.referer = e.UserAgent, e.Referer
	x.status, x.location, x.contentType = e.Status, e.Location, e.ContentType
	r.found = r.rules.index.Find(e.Method, page, r.found[:0])
	if len(r.found) == 0 {
		r.noteUnruled(&e, page)
		return
	}
	if x.contentType == "" && e.Status == http.StatusOK {
		x.contentType = r.typeOf(path.Ext(page))
	}
	r.noHost = r.noHost || e.Host == ""
	r.noLocation = r.noLocation || e.Location == "" && web.IsRedirect(e.Status)
	r.noTime = r.noTime || e.Time.IsZero()
	bot := r.isBot(&e)
	for i, t := range r.found {
		if !among(r.found[:i], t.goal) {
			r.count(r.found[i:], bot, e.Time)
		}
	}
}

// isBot judges the user agent. A log has more of them than visit a live site at
// a time, so it has a larger cache than that.
func (r *Replay) isBot(e *LogEntry) bool {
	agent := web.CutUserAgent(e.UserAgent)
	if agent == "" {
		return false
	}
	bot, known := r.agents[agent]
	if !known {
		if len(r.agents) >= keptAgents {
			clear(r.agents)
		}
		bot = isbot.Is(isbot.UserAgent(agent))
		r.agents[strings.Clone(agent)] = bot
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

// among reports whether one of the triggers is of the goal.
func among(triggers []*Cause, g *goal) bool {
	for _, t := range triggers {
		if t.goal == g {
			return true
		}
	}
	return false
}

// count counts the goal of the first trigger. Of several that it has, one is
// enough.
func (r *Replay) count(triggers []*Cause, bot bool, at time.Time) {
	g := triggers[0].goal
	c, why := r.counts[g], ""
	for _, t := range triggers {
		if t.goal != g {
			continue
		}
		r.x.guessed = false
		if bot && !t.countsBots() {
			why = "bot"
			continue
		}
		f := r.judge(t, at)
		if why = f.String(); f == Fires {
			if why = ""; t.kind == triggerSubmit {
				r.leads[g].Count(&r.x)
			}
			break
		}
	}
	if why != "" {
		c.NotFired[why]++
		return
	}
	c.Count++
	if r.x.guessed {
		c.Guessed++
	}
}

func (r *Replay) judge(t *Cause, at time.Time) Reason {
	x, limits := &r.x, &t.goal.limits
	if at.IsZero() && !limits.always() {
		at, x.guessed = limits.moment(), true
	}
	f := t.goal.judgeAt(x, at)
	if f == Fires {
		f = t.judgeLate(x, r.rules.failure)
	}
	if f == reasonOtherForm {
		// No log tells what a form calls itself. All else held: this is what
		// is asked last.
		f, x.guessed = Fires, true
	}
	x.guessed = x.guessed || t.goal.past.Counts() || len(t.goal.Env) > 0 || len(limits.hosts) > 0 && x.host == ""
	return f
}

// always reports whether there are no dates.
func (l *limits) always() bool { return l.from.IsZero() && l.until.IsZero() }

// moment is a time within the dates.
func (l *limits) moment() time.Time {
	if l.from.IsZero() {
		return l.until.Add(-1)
	}
	return l.from
}

// noteUnruled counts forms that were accepted and files that were fetched
// without a goal that says so.
func (r *Replay) noteUnruled(e *LogEntry, page string) {
	isForm := e.Method == http.MethodPost && (e.Status == http.StatusSeeOther || e.Status == http.StatusFound || e.Status == http.StatusCreated)
	isFile := e.Method == http.MethodGet && e.Status == http.StatusOK && slices.Contains(documents, strings.ToLower(path.Ext(page)))
	if !isForm && !isFile || len(page) > maxUnruled || r.isBot(e) {
		return
	}
	if isForm && e.Location != "" && e.Status != http.StatusCreated && r.x.judgeRedirect(r.rules.failure, false) == reasonNotSuccessful {
		return
	}
	// A log is written by strangers too: what they sent as %1B or %0A must not
	// reach a terminal or a rule file by way of a suggestion.
	if strings.ContainsFunc(page, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return
	}
	if times := r.unruled[request{e.Method, page}]; times != nil {
		*times++ // not through the map, which would keep the text of e as its key
	} else if len(r.unruled) < keptUnruled {
		once := uint64(1)
		r.unruled[request{strings.Clone(e.Method), strings.Clone(page)}] = &once
	}
}

// documents are endings of files that people download on purpose.
var documents = []string{".pdf", ".zip", ".docx", ".xlsx", ".pptx", ".csv", ".epub", ".dmg", ".exe", ".msi", ".mp4"}

// Counts returns what was counted, in the order of the rules.
func (r *Replay) Counts() []ReplayCount {
	list := make([]ReplayCount, 0, len(r.rules.goals))
	for _, g := range r.rules.goals {
		c := *r.counts[g]
		c.NotFired, c.LedTo = maps.Clone(c.NotFired), r.leads[g].List()
		if c.Guessed > 0 {
			c.Untold = r.untold(g)
		}
		c.Raised = !slices.ContainsFunc(g.triggers, func(t Cause) bool {
			return t.kind != triggerCode && t.kind != triggerScript
		})
		list = append(list, c)
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
	if len(g.past.After) > 0 {
		list = append(list, "what came before ("+g.afterInWords()+")")
	}
	if len(g.limits.hosts) > 0 && r.noHost {
		list = append(list, "hosts")
	}
	if !g.limits.always() && r.noTime {
		list = append(list, "the time")
	}
	for _, t := range g.triggers {
		if t.kind == triggerSubmit {
			list = append(list, r.untoldOfSuccess(&g.success)...)
		}
		if t.form != "" {
			list = append(list, "what the form calls itself")
		}
	}
	x := Exchange{blind: true, contentType: "text/html"} // a type is guessed by the ending
	if !r.noHost {
		x.host = "told"
	}
	for _, c := range slices.Concat(g.early, g.late) {
		if c.from.hidden(&x) {
			list = append(list, c.key)
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

// Suggestion is a goal that the rules do not have.
type Suggestion struct {
	What  string // "POST /demo-request was accepted 41 times"
	Times uint64
	YAML  string // ready to be put under goals:
}

// Suggestions returns the most frequent forms and downloads without a goal, at
// most n.
func (r *Replay) Suggestions(n int) []Suggestion {
	all := slices.SortedFunc(maps.Keys(r.unruled), func(a, b request) int {
		return cmp.Or(cmp.Compare(*r.unruled[b], *r.unruled[a]), strings.Compare(a.path, b.path), strings.Compare(a.method, b.method))
	})
	list, taken := []Suggestion(nil), r.rules.Names()
	for _, at := range all {
		if len(list) >= n {
			break
		}
		s, name := suggest(at, *r.unruled[at], taken)
		if _, err := Parse([]byte("goals:\n" + s.YAML)); err != nil {
			continue // an address that no template can say, such as one with braces
		}
		list, taken = append(list, s), append(taken, name)
	}
	return list
}

// suggest writes a goal under a name that is not taken.
func suggest(at request, times uint64, taken []string) (s Suggestion, name string) {
	key, what, suffix := "submit", "was accepted", "_SENT"
	if at.method == http.MethodGet {
		key, what, suffix = "download", "was downloaded", "_DOWNLOADED"
	}
	name = strings.TrimPrefix(suggestName(strings.TrimSuffix(path.Base(at.path), path.Ext(at.path))), "write ")
	if !goalName.MatchString(name + suffix) {
		name = "NEW_GOAL"
	}
	name += suffix
	for base, i := name, 2; slices.Contains(taken, name); i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	often := fmt.Sprintf("%d times", times)
	switch times {
	case 1:
		often = "once"
	case 2:
		often = "twice"
	}
	return Suggestion{
		What:  fmt.Sprintf("%s %s %s %s", at.method, at.path, what, often),
		Times: times,
		YAML:  fmt.Sprintf("  - goal: %s\n    %s: %q\n", name, key, at.path),
	}, name
}
