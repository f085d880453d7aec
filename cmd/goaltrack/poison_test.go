//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// poisonCDP is a CDP that takes genuine events, and never a poisoned one. Whose ID
// begins with bad0 is not known to it.
type poisonCDP struct {
	kind     string
	refusing atomic.Bool // 401 for everything
	made     atomic.Uint64

	mu    sync.Mutex
	posts int
	taken map[string]time.Time // by what the form said
	under map[string]string    // browser IDs
	twice []string
}

func (c *poisonCDP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	<-time.After(30*time.Millisecond + rand.N(40*time.Millisecond))
	path := strings.TrimPrefix(r.URL.Path, "/v1.2/")
	id, isShow := strings.CutSuffix(strings.TrimPrefix(path, "browser/"), "/show.json")
	if path == "events" {
		c.mu.Lock()
		c.posts++
		c.mu.Unlock()
	}
	switch {
	case c.refusing.Load():
		reply(w, http.StatusUnauthorized, `{"status":"UNAUTHORIZED","error_msg":"unauthorized client key"}`)
	case path == "browser/create.json":
		reply(w, http.StatusOK, fmt.Sprintf(`{"status":"OK","version":"1.2","client_key":"key","ref":"feed%04x-0000-4000-8000-%012x"}`, rand.N(1<<16), c.made.Add(1)))
	case isShow && strings.HasPrefix(id, "bad0"):
		reply(w, http.StatusNotFound, `{"status":"NOT_FOUND","error_msg":"invalid browser reference"}`)
	case isShow:
		reply(w, http.StatusOK, `{"status":"OK","version":"1.2","clientKey":"key","ref":"`+id+`"}`)
	case path == "events":
		c.event(w, body)
	default:
		http.NotFound(w, r)
	}
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (c *poisonCDP) event(w http.ResponseWriter, body []byte) {
	var e struct {
		ID  string         `json:"browser_id"`
		Ext map[string]any `json:"ext"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		reply(w, http.StatusBadRequest, `{"status":"BAD_REQUEST"}`)
		return
	}
	text, _ := e.Ext["n"].(string)
	isPoison := strings.HasPrefix(text, "evil")
	switch {
	case strings.HasPrefix(e.ID, "bad0"):
		reply(w, http.StatusNotFound, `{"status":"NOT_FOUND","error_msg":"invalid browser reference"}`)
		return
	case !isPoison || c.kind == "made-up IDs": // or its ID was replaced
	case c.kind == "403":
		http.Error(w, "<h1>Request blocked</h1>", http.StatusForbidden)
		return
	case c.kind == "422":
		reply(w, http.StatusUnprocessableEntity, `{"status":"UNPROCESSABLE_ENTITY","error_msg":"n is not valid"}`)
		return
	case c.kind == "resets":
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
		return
	default:
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	c.mu.Lock()
	if _, before := c.taken[text]; before {
		c.twice = append(c.twice, text)
	} else {
		c.taken[text], c.under[text] = time.Now(), e.ID
	}
	c.mu.Unlock()
	reply(w, http.StatusCreated, `{"status":"OK","version":"1.2","client_key":"key","ref":"`+e.ID+`"}`)
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

// poisonFigures are what a row came to.
type poisonFigures struct {
	genuine, late   int // later than 5 s
	p50, p99, max   time.Duration
	requests        float64 // for each event
	before          int     // requests before the restart
	dead, delivered int     // of the poisoned
	lines           int
	newcomers       int // who waited for an ID behind the anonymous,
	waiting         int // and those who waited still
}

// print says at once what came of a row.
func (f *poisonFigures) print(p *poisonPlay) {
	verdict := map[bool]string{true: "FAIL", false: "PASS"}[p.Failed()]
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	line := fmt.Sprintf("%s  %s: %d genuine, p50 %v, p99 %v, max %v, later than 5 s %d; %.2f requests an event; poisoned: dead %d, delivered %d; log lines %d",
		verdict, p.name(), f.genuine, round(f.p50), round(f.p99), round(f.max), f.late, f.requests, f.dead, f.delivered, f.lines)
	if f.before > 0 {
		line += fmt.Sprintf("; requests before the restart %d", f.before)
	}
	if f.newcomers > 0 {
		line += fmt.Sprintf("; newcomers who waited for an ID %d, at the end still %d", f.newcomers, f.waiting)
	}
	fmt.Println(line)
}

var (
	logText    = regexp.MustCompile(`level=(\w+) msg=("[^"]*"|\S+)`)
	accountSum = regexp.MustCompile(`accepted (\d+)(?: \+ recovered (\d+))? = delivered (\d+) \+ dead (\d+).* \+ dropped (\d+).* \+ waiting (\d+)`)
)

// judge compares what came with what is promised.
func (p *poisonPlay) judge(f *poisonFigures, account, log string, bound time.Duration) {
	p.cdp.mu.Lock()
	defer p.cdp.mu.Unlock()
	check := func(bad bool, format string, args ...any) {
		if bad {
			p.Errorf(format, args...)
		}
	}
	var delays []time.Duration
	var lost, replaced, late []string
	for text, at := range p.answered {
		took, ok := p.cdp.taken[text]
		if p.sharesIDs(text) {
			if f.newcomers++; !ok {
				f.waiting++
			}
			continue
		}
		if !ok {
			lost = append(lost, text)
			continue
		}
		delay := max(took.Sub(at), 0)
		if delays = append(delays, delay); delay > 5*time.Second {
			late = append(late, fmt.Sprintf("%s of %q, at %.1f s, after %.1f s", text, p.brought[text], at.Sub(p.begin).Seconds(), delay.Seconds()))
		}
		if id := p.brought[text]; id != "" && id != p.cdp.under[text] {
			replaced = append(replaced, text)
		}
	}
	for text := range p.cdp.taken {
		if strings.HasPrefix(text, "evil") {
			f.delivered++
		}
	}
	slices.Sort(delays)
	f.genuine, f.late = len(p.answered), len(late)
	if n := len(delays); n > 0 {
		f.p50, f.p99, f.max = delays[n/2], delays[n*99/100], delays[n-1]
	}
	events := p.poisoned + f.genuine
	f.requests = float64(p.cdp.posts) / float64(events)

	check(len(lost) > 0, "%d genuine events were not delivered: %q", len(lost), lost[:min(len(lost), 20)])
	check(len(replaced) > 0, "%d genuine events came under another ID: %q", len(replaced), replaced)
	check(len(p.cdp.twice) > 0, "delivered twice: %q", p.cdp.twice)
	check(f.max > bound, "a genuine event came after %v, later than %v", f.max, bound)
	check(!p.refused && f.late > 1+f.genuine/1000, "%d of %d genuine events came later than 5 s", f.late, f.genuine)
	most := 2.0
	if p.refused || p.kind == "resets" {
		most = 3
	}
	check(f.requests > most, "%.2f requests an event, more than %.0f", f.requests, most)

	if sums := accountSum.FindStringSubmatch(account); sums == nil {
		p.Errorf("the account is %q", account)
	} else {
		var n [7]int
		for i := range sums[1:] {
			n[i], _ = strconv.Atoi(sums[i+1])
		}
		f.dead = n[3]
		check(n[0]+n[1] != n[2]+n[3]+n[4]+n[5], "the account does not balance: %s", account)
		// Requests that the proxy's end cuts off may have been taken: one a worker.
		unheard := min(n[4], 16)
		check(n[2] > len(p.cdp.taken) || n[2]+unheard < len(p.cdp.taken), "%d events came, the account is %s", len(p.cdp.taken), account)
		check(n[3]+f.delivered > p.poisoned, "%d dead, of %d poisoned", n[3], p.poisoned)
	}
	texts := map[string]int{}
	for _, line := range logText.FindAllStringSubmatch(log, -1) {
		if text := line[1] + " " + line[2]; !strings.Contains(text, "the last minute") {
			texts[text]++
			f.lines++
		}
	}
	for text, n := range texts {
		check(n > 2, "%d lines of the log say %s", n, text)
	}
	check(f.lines > 8, "%d lines in the log: %v", f.lines, texts)
	if f.late > 0 {
		p.Logf("later than 5 s: %q", late[:min(len(late), 20)])
	}
	if p.Failed() {
		p.Logf("the account: %s\nthe log:\n%s", account, log)
	}
	f.print(p)
}
