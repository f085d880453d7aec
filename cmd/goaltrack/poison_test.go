//go:build unix

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What TestPoison sends: so many events that the CDP never takes, and beside them
// the genuine forms.
const (
	poisonEvents = 1000
	genuineEvery = 100 * time.Millisecond
	genuineFor   = 30 * time.Second // from the beginning of the burst
	slowBurst    = 5 * time.Second  // the burst of a row in which the sender is refused
)

// poisonKinds are what the CDP says to a poisoned event.
var poisonKinds = []string{"made-up IDs", "403", "404 without the CDP's body", "422", "resets"}

// poisonSources are whom the poisoned events come from, and when.
var poisonSources = []string{"one visitor", "a thousand visitors", "anonymous", "at the head of the queue", "restart on a spool"}

// poisonRow is one line of what .ci/poison prints.
type poisonRow struct {
	kind, source string
	refused      bool // the CDP really refuses this sender for a while
	short        bool // a part of the short run
}

func (r poisonRow) name() string {
	name := r.kind + ", " + r.source
	if r.refused {
		name += ", sender refused"
	}
	return name
}

func poisonRows() (rows []poisonRow) {
	for _, refused := range []bool{false, true} {
		for _, source := range poisonSources {
			for _, kind := range poisonKinds {
				if kind == "made-up IDs" && source == "anonymous" {
					continue // who has an ID that was made up is not anonymous
				}
				rows = append(rows, poisonRow{kind: kind, source: source, refused: refused, short: kind == "403" && (source == "a thousand visitors" || source == "restart on a spool") && refused == (source == "a thousand visitors") ||
					kind == "made-up IDs" && source == "a thousand visitors" && !refused})
			}
		}
	}
	return rows
}

// TestPoison sends a thousand events that the CDP never accepts to a proxy in
// its own process. It measures what that costs the others. Run it with bash
// .ci/poison: it takes a quarter of an hour, or two minutes with -short.
func TestPoison(t *testing.T) {
	if os.Getenv("GOALTRACK_POISON") == "" {
		t.Skip("GOALTRACK_POISON is not set; .ci/poison does")
	}
	binary := build(t)
	var all, late atomic.Int64
	t.Run("rows", func(t *testing.T) {
		for _, row := range poisonRows() {
			if testing.Short() && !row.short {
				continue
			}
			t.Run(row.name(), func(t *testing.T) {
				t.Parallel()
				figures := newPoisonPlay(t, binary, row).run()
				if !row.refused {
					all.Add(int64(figures.genuine))
					late.Add(int64(figures.late))
				}
			})
		}
	})
	if 1000*late.Load() > all.Load() && !testing.Short() {
		t.Errorf("%d of %d genuine events came later than 5 s, more than one in a thousand", late.Load(), all.Load())
	}
	t.Logf("%d of %d genuine events came later than 5 s", late.Load(), all.Load())
}

// poisonPlay is one row under way.
type poisonPlay struct {
	*testing.T
	poisonRow
	binary string
	args   []string
	site   *httptest.Server
	cdp    *poisonCDP
	client *http.Client
	proxy  *process
	begin  time.Time // of the burst, or of the process that found it on the disk

	mu       sync.Mutex
	answered map[string]time.Time // genuine forms
	brought  map[string]string    // their browser IDs
	poisoned int                  // answered
}

func newPoisonPlay(t *testing.T, binary string, row poisonRow) *poisonPlay {
	t.Helper()
	p := &poisonPlay{
		T: t, poisonRow: row, binary: binary,
		cdp:      &poisonCDP{kind: row.kind, taken: map[string]time.Time{}, under: map[string]string{}},
		answered: map[string]time.Time{}, brought: map[string]string{},
	}
	p.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", "/thanks")
		w.WriteHeader(http.StatusSeeOther)
	}))
	t.Cleanup(p.site.Close)
	cdp := httptest.NewServer(p.cdp)
	t.Cleanup(cdp.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	p.client = &http.Client{Transport: transport, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	p.args = []string{
		"proxy", "--listen=127.0.0.1:0", "--to=" + p.site.URL, "--cdp=" + cdp.URL, "--client-key=key", "--pos=shop",
		"--rules=" + write(t, "goals.yaml", "version: 1\ngoals:\n  - {goal: FORM_SENT, submit: /form, count: every, data: {n: $form.n}}\n"),
	}
	if row.source == "restart on a spool" {
		p.args = append(p.args, "--spool="+filepath.Join(t.TempDir(), "spool"))
	}
	p.proxy = launch(t, binary, nil, p.args...)
	return p
}

// form sends one form and reports whether it was accepted.
func (p *poisonPlay) form(text, id string) bool {
	r, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.proxy.url+"/form", strings.NewReader(url.Values{"n": {text}}.Encode()))
	if err != nil {
		p.Error(err)
		return false
	}
	r.Host = host
	r.Header = navigation.Clone()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		r.Header.Set("Cookie", "bid_key="+id)
	}
	response, err := p.client.Do(r)
	if err != nil {
		p.Errorf("form %s: %v", text, err)
		return false
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		p.Errorf("form %s was answered %d", text, response.StatusCode)
		return false
	}
	return true
}

// browserID is an ID of a visitor. Its first digits say whether the CDP knows it.
func browserID(prefix string, n int) string {
	return fmt.Sprintf("%s%04x-1111-4111-8111-%012x", prefix, n%(1<<16), n)
}

// burst sends the poisoned events, all at once or spread over a time.
func (p *poisonPlay) burst(over time.Duration) {
	prefix := "e711"
	if p.kind == "made-up IDs" {
		prefix = "bad0"
	}
	next := make(chan int)
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for i := range next {
				id := browserID(prefix, i)
				switch p.source {
				case "one visitor":
					id = browserID(prefix, 1)
				case "anonymous":
					id = ""
				}
				if p.form("evil"+strconv.Itoa(i), id) {
					p.mu.Lock()
					p.poisoned++
					p.mu.Unlock()
				}
			}
		})
	}
	for i := range poisonEvents {
		next <- i
		if over > 0 {
			<-time.After(over / poisonEvents)
		}
	}
	close(next)
	senders.Wait()
}

// genuine sends ten forms a second: half are of visitors who come back, a quarter of
// others who bring an ID, and a quarter of visitors who have none yet.
func (p *poisonPlay) genuine(stop <-chan struct{}) {
	var senders sync.WaitGroup
	defer senders.Wait()
	ticker := time.NewTicker(genuineEvery)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		id := browserID("600d", rand.N(50))
		switch i % 4 {
		case 2:
			id = browserID("600d", 100+i)
		case 3:
			id = ""
		}
		text := "good" + strconv.Itoa(i)
		senders.Go(func() {
			if p.form(text, id) {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.answered[text], p.brought[text] = time.Now(), id
			}
		})
	}
}

// undelivered counts the genuine forms sent before a time of which the CDP has none.
func (p *poisonPlay) undelivered(before time.Time) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cdp.mu.Lock()
	defer p.cdp.mu.Unlock()
	for text, at := range p.answered {
		if _, ok := p.cdp.taken[text]; !ok && at.Before(before) && !p.sharesIDs(text) {
			n++
		}
	}
	return n
}

// sharesIDs reports whether a form is of a visitor who has no ID yet and waits
// for one behind a thousand others. Only 20 IDs are made in a second, which has
// nothing to do with the poison.
func (p *poisonPlay) sharesIDs(text string) bool {
	return p.source == "anonymous" && p.brought[text] == ""
}

// untilDelivered waits until all sent before a time have arrived.
func (p *poisonPlay) untilDelivered(before time.Time, atMost time.Duration) {
	for end := time.Now().Add(atMost); time.Now().Before(end) && p.undelivered(before) > 0; {
		<-time.After(50 * time.Millisecond)
	}
}

// run plays the row, reports what is wrong, and returns the figures.
func (p *poisonPlay) run() (f poisonFigures) {
	bound := 10 * time.Second
	over := time.Duration(0)
	if p.refused {
		bound, over = 2*time.Minute, slowBurst
	}
	stop := make(chan struct{})
	var traffic sync.WaitGroup
	flow := func() { traffic.Go(func() { p.genuine(stop) }) }
	begin := func() {
		p.begin = time.Now()
		if p.refused {
			time.AfterFunc(2*time.Second, func() { p.cdp.refusing.Store(true) })
			time.AfterFunc(4*time.Second, func() { p.cdp.refusing.Store(false) })
		}
	}
	switch p.source {
	case "at the head of the queue":
		begin()
		if !p.refused {
			p.burst(over)
			flow()
			break
		}
		traffic.Go(func() { p.burst(over) })
		<-time.After(time.Second)
		flow()
	case "restart on a spool":
		p.burst(0)
		<-time.After(time.Second)
		if err := p.proxy.Process.Kill(); err != nil {
			p.Fatal(err)
		}
		_ = p.proxy.Wait()
		p.cdp.mu.Lock()
		f.before, p.cdp.posts = p.cdp.posts, 0
		p.cdp.mu.Unlock()
		p.proxy = launch(p.T, p.binary, nil, p.args...)
		begin()
		flow()
	default:
		flow()
		<-time.After(3 * time.Second)
		begin()
		p.burst(over)
	}
	end := p.begin.Add(genuineFor)
	<-time.After(time.Until(end))
	p.untilDelivered(end, bound)
	close(stop)
	traffic.Wait()
	p.untilDelivered(time.Now(), bound)
	log := p.proxy.Stderr.(*syncBuffer).String()
	account := p.proxy.terminate(p.T)
	p.judge(&f, account, log, bound)
	return f
}

var (
	logText    = regexp.MustCompile(`level=(\w+) msg=("[^"]*"|\S+)`)
	accountSum = regexp.MustCompile(`accepted (\d+)(?: \+ recovered (\d+))? = delivered (\d+) \+ dead (\d+).* \+ dropped (\d+).* \+ waiting (\d+)`)
)
