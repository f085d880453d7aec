package health

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/webhook"
	"github.com/goaltrack/goaltrack/report"
)

// Options are what is watched, and who is told.
type Options struct {
	// Store has the numbers. Required.
	Store report.Store
	// Fresh, if set, is called before the numbers are looked at: most give it the Flush
	// of the recorder.
	Fresh func(context.Context) error
	// Sites, if set, returns the names of the sites in force. nil are all of the report,
	// also one that was given up.
	Sites func() []string
	// Waiting, if set, returns whether events of a site do not reach the CDP at the
	// moment. It is a cause only if it says so for a quarter of an hour.
	Waiting func(site string) bool
	// URL is who is told, as https://..., or as http:// on this machine. "" tells the log
	// alone. Secret signs the messages, "whsec_" and at least 24 random bytes in base64.
	URL, Secret string
	// File keeps who was told what, so that a restart tells nothing twice. It is written
	// with the mode 0600. "" keeps it in memory.
	File string
	// Transport takes the messages to URL, such as one that trusts a certificate of your
	// own. nil is one of its own.
	Transport http.RoundTripper
	// Logger is told too. nil is [slog.Default].
	Logger *slog.Logger
}

// The times of a Watch.
const (
	lookEvery   = 5 * time.Minute
	againAfter  = 24 * time.Hour   // at most one message about a goal that is unwell in that time
	waitsAtMost = 15 * time.Minute // and no longer, before delivery is a cause
)

// Watch looks at goals every five minutes. Make one with [New].
type Watch struct {
	options Options
	hook    *webhook.Hook        // nil: the log alone
	spells  map[string]*spell    // by where
	waiting map[string]time.Time // since when events of a site wait

	failing bool // the numbers cannot be read
	unkept  bool // the file cannot be written
	silent  bool // the receiver does not answer
}

// where is a goal on a site, as a key.
func where(site, goal string) string { return site + "\n" + goal }

// spell is a time in which a goal is unwell on a site, or was lately.
type spell struct {
	// Since is when it began to be unwell, zero if it is well.
	Since time.Time `json:"since,omitzero"`
	// Told is when that was told last. Heard says that it was told of this spell.
	Told  time.Time `json:"told,omitzero"`
	Heard bool      `json:"heard,omitempty"`

	logged bool
}

// New makes a Watch. It returns an error if Store is missing, or URL or Secret cannot be
// used.
func New(o Options) (*Watch, error) {
	if o.Store == nil {
		return nil, errors.New("health: Options.Store is not set")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	w := &Watch{options: o, spells: map[string]*spell{}, waiting: map[string]time.Time{}}
	if o.URL != "" {
		hook, err := webhook.New(o.URL, o.Secret, o.Transport)
		if err != nil {
			return nil, err
		}
		w.hook = hook
	}
	w.remember()
	return w, nil
}

// Run looks until ctx ends. It is called once.
func (w *Watch) Run(ctx context.Context) {
	if w.hook != nil {
		defer w.hook.Close()
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		w.look(ctx, time.Now())
	}
}

// look looks once.
func (w *Watch) look(ctx context.Context, now time.Time) {
	states, err := w.states(ctx, now)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if !w.failing {
			w.options.Logger.Warn("goaltrack: the health of goals cannot be looked at", "error", err)
		}
		w.failing = true
		return
	}
	w.failing = false
	for i := range states {
		w.tell(ctx, &states[i], now)
	}
	w.keep()
}

// states are those of all goals, and of those that were unwell and of which nothing is
// expected any more.
func (w *Watch) states(ctx context.Context, now time.Time) ([]State, error) {
	if w.options.Fresh != nil {
		if err := w.options.Fresh(ctx); err != nil {
			return nil, err
		}
	}
	var sites []string
	if w.options.Sites != nil {
		sites = w.options.Sites()
	}
	states, err := Look(ctx, w.options.Store, sites, now)
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	w.adopt(states)
	for i := range states {
		s := &states[i]
		if _, known := held[s.Site]; !known {
			held[s.Site] = w.waits(s.Site, now)
		}
		if held[s.Site] {
			s.Causes = append(s.Causes, Delivery) // last, as it harms no count
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.spells)) {
		if !slices.ContainsFunc(states, func(s State) bool { return where(s.Site, s.Goal.Name) == name }) {
			states = append(states, gone(name, states))
		}
	}
	return states, nil
}

// gone is the state of a goal on a site on which nothing is expected of it any more. Of all
// sites together nothing is expected if it counted on one.
func gone(name string, states []State) (s State) {
	s.Site, s.Goal.Name, _ = strings.Cut(name, "\n")
	for i := range states {
		if other := &states[i]; s.Site == "" && other.Goal.Name == s.Goal.Name {
			s.Goal, s.Counted = other.Goal, s.Counted+other.Counted
		}
	}
	return s
}

// adopt takes over what an earlier version told of goals, on whatever site.
func (w *Watch) adopt(states []State) {
	for name, had := range w.spells {
		if strings.Contains(name, "\n") {
			continue
		}
		delete(w.spells, name)
		for i := range states {
			if s := &states[i]; s.Goal.Name == name {
				one := *had
				w.spells[where(s.Site, name)] = &one
			}
		}
		if w.spells[where("", name)] == nil && !slices.ContainsFunc(states, func(s State) bool { return s.Goal.Name == name }) {
			w.spells[where("", name)] = had
		}
	}
}

// waits reports whether events of a site have waited for long enough.
func (w *Watch) waits(site string, now time.Time) bool {
	since := w.waiting[site]
	switch {
	case w.options.Waiting == nil || !w.options.Waiting(site):
		delete(w.waiting, site)
		return false
	case since.IsZero():
		since = now
		w.waiting[site] = now
	}
	return now.Sub(since) >= waitsAtMost
}

// tell tells of a goal, if there is something that was not told.
func (w *Watch) tell(ctx context.Context, s *State, now time.Time) {
	sp := w.spells[where(s.Site, s.Goal.Name)]
	if s.Unknown && !s.Unwell() {
		return
	}
	if sp == nil {
		if !s.Unwell() {
			return
		}
		sp = new(spell)
		w.spells[where(s.Site, s.Goal.Name)] = sp
	}
	switch {
	case s.Unwell():
		if sp.Since.IsZero() {
			sp.Since, sp.Heard = now, false
		}
		if !sp.logged {
			sp.logged = true
			w.options.Logger.Warn("goaltrack: a goal does not do what is expected of it", "goal", s.Goal.Name, "site", s.Site, "counted", s.Counted, "expected", s.Goal.Expect, "hours", Hours, "causes", s.Causes)
		}
		if now.Sub(sp.Told) >= againAfter && w.send(ctx, Unwell, s, sp.Since, now) {
			sp.Told, sp.Heard = now, true
		}
	case !sp.Since.IsZero():
		if sp.Heard && !w.send(ctx, Well, s, sp.Since, now) {
			return // until it is told
		}
		w.options.Logger.Info("goaltrack: a goal does again what is expected of it", "goal", s.Goal.Name, "site", s.Site, "counted", s.Counted, "hours", Hours)
		sp.Since, sp.Heard, sp.logged = time.Time{}, false, false
	case now.Sub(sp.Told) >= againAfter:
		delete(w.spells, where(s.Site, s.Goal.Name))
	}
}

// send sends a message, and reports whether it arrived. What did not is sent with the next
// look.
func (w *Watch) send(ctx context.Context, kind string, s *State, since, now time.Time) bool {
	if w.hook == nil {
		return true
	}
	err := w.hook.Send(ctx, webhook.NewID(), messageOf(kind, s, since, now))
	switch {
	case err != nil && !w.silent && ctx.Err() == nil:
		w.options.Logger.Warn("goaltrack: a message about the health of a goal did not arrive, and is tried again", "to", w.hook.Host(), "error", err)
		w.silent = true
	case err == nil && w.silent:
		w.options.Logger.Info("goaltrack: messages about the health of goals arrive again", "to", w.hook.Host())
		w.silent = false
	}
	return err == nil
}

// remember reads what was told before the start.
func (w *Watch) remember() {
	if w.options.File == "" {
		return
	}
	text, err := os.ReadFile(w.options.File)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil {
		err = json.Unmarshal(text, &w.spells)
	}
	for name, sp := range w.spells {
		if sp == nil {
			delete(w.spells, name)
		}
	}
	if err != nil || w.spells == nil {
		w.spells = map[string]*spell{}
		w.options.Logger.Warn("goaltrack: the file that says who was told of the health of goals cannot be read; some may be told twice", "error", err)
	}
}

// keep writes it, all of it or nothing.
func (w *Watch) keep() {
	if w.options.File == "" {
		return
	}
	text, err := json.Marshal(w.spells)
	if err == nil {
		before, _ := os.ReadFile(w.options.File)
		if string(before) == string(text) || len(before) == 0 && len(w.spells) == 0 {
			return
		}
		err = write(w.options.File, text)
	}
	if err != nil && !w.unkept {
		w.options.Logger.Warn("goaltrack: the file that says who was told of the health of goals cannot be written; a restart may tell some twice", "error", err)
	}
	w.unkept = err != nil
}

// write puts a file in the place of another.
func write(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // with the mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
