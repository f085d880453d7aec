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
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What TestAttack sends: ten genuine forms a second from forty addresses, and beside
// them one client who takes what they can.
const (
	attackFor      = time.Minute
	attackForShort = 8 * time.Second
	attackers      = 40 // connections
	genuinePeople  = 40
	attackCDP      = 50 * time.Millisecond // for an answer
)

// attackRow is one line of what .ci/attack prints.
type attackRow struct {
	what   string // see attackPlay.attack
	told   bool   // a proxy in front is trusted, and says who comes from where
	state  bool   // events wait on disk
	short  bool   // a part of the short run
	floods bool   // the queue, so that visitors are refused
}

func (r attackRow) name() string {
	return fmt.Sprintf("%s, addresses told %t, state directory %t", r.what, r.told, r.state)
}

func attackRows() (rows []attackRow) {
	for _, state := range []bool{false, true} {
		for _, told := range []bool{true, false} {
			for _, what := range []string{"one ID", "a thousand IDs"} {
				rows = append(rows, attackRow{what: what, told: told, state: state, short: what == "a thousand IDs" && told, floods: !state})
			}
		}
		rows = append(rows, attackRow{what: "no ID", told: true, state: state, floods: !state})
	}
	return append(rows,
		attackRow{what: "stalled uploads", short: true},
		attackRow{what: "stalled uploads", told: true},
		attackRow{what: "small stalled uploads", told: true},
		attackRow{what: "session cookies", short: true},
		attackRow{what: "session cookies", told: true},
		attackRow{what: "pages", told: true, short: true},
		attackRow{what: "pages"},
	)
}

// TestAttack has one client take what they can from a proxy in its own process, and
// measures what that costs the others. Run it with bash .ci/attack: it takes twenty
// minutes, or two with -short.
func TestAttack(t *testing.T) {
	if os.Getenv("GOALTRACK_ATTACK") == "" {
		t.Skip("GOALTRACK_ATTACK is not set; .ci/attack does")
	}
	binary := build(t)
	for _, row := range attackRows() {
		if testing.Short() && !row.short {
			continue
		}
		t.Run(row.name(), func(t *testing.T) { newAttackPlay(t, binary, row).run() })
	}
}

// slowCDP takes every event, after a while.
type slowCDP struct {
	made  atomic.Uint64
	mu    sync.Mutex
	taken map[string]time.Time // by what the form said
	under map[string]string    // the browser ID
}

func (c *slowCDP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	<-time.After(attackCDP)
	if strings.HasSuffix(r.URL.Path, "/create.json") {
		reply(w, http.StatusOK, fmt.Sprintf(`{"status":"OK","version":"1.2","client_key":"key","ref":"feed%04x-0000-4000-8000-%012x"}`, rand.N(1<<16), c.made.Add(1)))
		return
	}
	var e struct {
		ID  string         `json:"browser_id"`
		Ext map[string]any `json:"ext"`
	}
	_ = json.Unmarshal(body, &e)
	if text, _ := e.Ext["n"].(string); text != "" {
		c.mu.Lock()
		c.taken[text], c.under[text] = time.Now(), e.ID
		c.mu.Unlock()
	}
	reply(w, http.StatusCreated, `{"status":"OK","version":"1.2","client_key":"key","ref":"`+e.ID+`"}`)
}

// attackPlay is one row under way.
type attackPlay struct {
	*testing.T
	attackRow
	cdp    *slowCDP
	site   *httptest.Server
	proxy  *process
	client *http.Client
	stop   chan struct{}

	mu       sync.Mutex
	answered map[string]time.Time     // genuine forms
	took     map[string]time.Duration // until they were answered
	evil     int
}

func newAttackPlay(t *testing.T, binary string, row attackRow) *attackPlay {
	t.Helper()
	p := &attackPlay{
		T: t, attackRow: row, stop: make(chan struct{}),
		cdp:      &slowCDP{taken: map[string]time.Time{}, under: map[string]string{}},
		answered: map[string]time.Time{}, took: map[string]time.Duration{},
	}
	p.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil && r.Method == http.MethodPost {
			w.Header().Set("Location", "/thanks")
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><p>A page.")
	}))
	t.Cleanup(p.site.Close)
	cdp := httptest.NewServer(p.cdp)
	t.Cleanup(cdp.Close)
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	p.client = &http.Client{Transport: transport, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	args := []string{
		"proxy", "--listen=127.0.0.1:0", "--to=" + p.site.URL, "--cdp=" + cdp.URL, "--client-key=key", "--pos=shop",
		"--rules=" + write(t, "goals.yaml", "version: 1\ngoals:\n  - {goal: FORM_SENT, submit: /form, count: every, data: {n: $form.n}}\n"+
			"  - {goal: TOLD, submit: /json, data: {n: $json.n}}\n"), // whose body is kept as a whole
	}
	if row.told {
		args = append(args, "--trusted-proxies=127.0.0.1")
	}
	if row.state {
		args = append(args, "--state="+filepath.Join(t.TempDir(), "state"))
	}
	if row.what == "session cookies" {
		args = append(args, "--consent-cookie=consent=yes", "--consent-hold-by=sess")
	}
	p.proxy = launch(t, binary, []string{"GOMAXPROCS=1"}, args...)
	return p
}

// sender is somebody who sends requests.
type sender struct {
	address string // as the proxy in front tells it
	cookie  string
}

// attacker is the one client.
const attacker = "203.0.113.66"

func (p *attackPlay) request(method, path, body string, from sender) *http.Request {
	r, err := http.NewRequestWithContext(p.Context(), method, p.proxy.url+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	r.Host = host
	r.Header = navigation.Clone()
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if from.cookie != "" {
		r.Header.Set("Cookie", from.cookie)
	}
	if p.told {
		r.Header.Set("X-Forwarded-For", from.address)
	}
	return r
}

// do sends a request and returns the cookies that the answer sets.
func (p *attackPlay) do(r *http.Request) ([]*http.Cookie, error) {
	response, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return response.Cookies(), response.Body.Close()
}

func formOf(text string) string { return url.Values{"n": {text}}.Encode() }

// ended reports whether the attack is over.
func (p *attackPlay) ended() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// attack is what the one client does until stop is closed.
func (p *attackPlay) attack() {
	switch p.what {
	case "stalled uploads":
		p.stall(520, 64_000)
	case "small stalled uploads":
		p.stall(520, 4000)
	case "pages":
		p.pages()
	default:
		p.flood()
	}
}

// flood sends forms as fast as forty connections can, under one ID, a thousand, or
// none; or each with a session of its own, until there are 5,200.
func (p *attackPlay) flood() {
	var all sync.WaitGroup
	defer all.Wait()
	var next atomic.Int64
	for range attackers {
		all.Go(func() {
			for !p.ended() {
				i := int(next.Add(1))
				from := sender{address: attacker}
				switch p.what {
				case "one ID":
					from.cookie = "bid_key=" + browserID("e711", 1)
				case "a thousand IDs":
					from.cookie = "bid_key=" + browserID("e711", i%1000)
				case "session cookies":
					if i > 5200 {
						<-time.After(300 * time.Millisecond) // three a second and connection: it stays full
					}
					from.cookie = fmt.Sprintf("sess=%029d", i)
				}
				if _, err := p.do(p.request(http.MethodPost, "/form", formOf("evil"+strconv.Itoa(i)), from)); err != nil && !p.ended() {
					p.Errorf("the attacker's form: %v", err)
					return
				}
				p.mu.Lock()
				p.evil++
				p.mu.Unlock()
			}
		})
	}
}

// stall sends the beginning of uploads, and then nothing more.
func (p *attackPlay) stall(connections, bytes int) {
	address := strings.TrimPrefix(p.proxy.url, "http://")
	told := ""
	if p.told {
		told = "X-Forwarded-For: " + attacker + "\r\n"
	}
	head := fmt.Sprintf("POST /json HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: text/html\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n{\"n\": \"",
		host, navigation.Get("User-Agent"), told, bytes+1536)
	for range connections {
		c, err := net.Dial("tcp", address)
		if err != nil {
			p.Error(err)
			return
		}
		defer c.Close()
		if _, err := io.WriteString(c, head+strings.Repeat("x", bytes-2)); err != nil {
			p.Error(err)
			return
		}
		p.mu.Lock()
		p.evil++
		p.mu.Unlock()
	}
	<-p.stop
}

// pages asks for sixty pages a second, each as a new visitor.
func (p *attackPlay) pages() {
	var all sync.WaitGroup
	defer all.Wait()
	ticker := time.NewTicker(time.Second / 60)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		all.Go(func() {
			if _, err := p.do(p.request(http.MethodGet, "/", "", sender{address: attacker})); err == nil {
				p.mu.Lock()
				p.evil++
				p.mu.Unlock()
			}
		})
	}
}

// genuine sends ten forms a second, in turn by forty people.
func (p *attackPlay) genuine() {
	var all sync.WaitGroup
	defer all.Wait()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		n := i % genuinePeople
		from := sender{address: fmt.Sprintf("198.51.100.%d", 1+n), cookie: "bid_key=" + browserID("600d", n)}
		all.Go(func() { p.person("good"+strconv.Itoa(i), from, i) })
	}
}

// person is what one of the genuine does.
func (p *attackPlay) person(text string, from sender, i int) {
	switch p.what {
	case "session cookies":
		from.cookie = fmt.Sprintf("sess=genuine%022d", i)
	case "pages": // they are new, and come by a page
		from.cookie = ""
		cookies, err := p.do(p.request(http.MethodGet, "/", "", from))
		if err != nil {
			p.Error(err)
			return
		}
		for _, c := range cookies {
			from.cookie = c.Name + "=" + c.Value
		}
	}
	began := time.Now()
	if _, err := p.do(p.request(http.MethodPost, "/form", formOf(text), from)); err != nil {
		p.Errorf("a genuine form: %v", err)
		return
	}
	at := time.Now()
	if p.what == "session cookies" {
		<-time.After(time.Second)
		from.cookie += "; consent=yes"
		if _, err := p.do(p.request(http.MethodGet, "/", "", from)); err != nil {
			p.Error(err)
			return
		}
		at = time.Now()
	}
	p.mu.Lock()
	p.answered[text], p.took[text] = at, at.Sub(began)
	p.mu.Unlock()
}

// run plays the row and judges it.
func (p *attackPlay) run() {
	lasts := attackFor
	if testing.Short() {
		lasts = attackForShort
	}
	var traffic sync.WaitGroup
	traffic.Go(p.attack)
	if p.what == "stalled uploads" || p.what == "small stalled uploads" || p.what == "session cookies" {
		<-time.After(2 * time.Second) // what can be filled is full
	}
	traffic.Go(p.genuine)
	<-time.After(lasts)
	close(p.stop)
	traffic.Wait()
	<-time.After(3 * time.Second)
	log := p.proxy.Stderr.(*syncBuffer).String()
	delays, lost := p.delays()
	_ = p.proxy.Process.Kill() // it has what nobody waits for
	_ = p.proxy.Wait()

	verdict := "PASS"
	n := len(p.answered)
	if len(lost)*100 > n || n == 0 || delays[len(delays)*95/100] > 2*time.Second {
		verdict = "FAIL"
		p.Errorf("%d of %d genuine forms were not delivered; the log:\n%s", len(lost), n, log)
	}
	if refuses := strings.Contains(log, "more in the queue than its share"); refuses != p.floods && p.floods {
		p.Errorf("the log does not say that a share is used up:\n%s", log)
	}
	newcomers := ""
	if p.what == "pages" {
		newcomers = fmt.Sprintf("; IDs made %d", p.cdp.made.Load())
	}
	if len(delays) > 0 {
		fmt.Printf("%s  %s: attacker %d; genuine %d, not delivered %d, p50 %v, p95 %v, max %v%s\n", verdict, p.name(), p.evil, n, len(lost),
			delays[len(delays)/2].Round(time.Millisecond), delays[len(delays)*95/100].Round(time.Millisecond), delays[len(delays)-1].Round(time.Millisecond), newcomers)
	}
}

// delays are those of the genuine forms, from the answer to the CDP, and which of them
// did not arrive.
func (p *attackPlay) delays() (delays []time.Duration, lost []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cdp.mu.Lock()
	defer p.cdp.mu.Unlock()
	for text, at := range p.answered {
		if took, ok := p.cdp.taken[text]; ok {
			delays = append(delays, max(took.Sub(at), 0))
		} else {
			lost = append(lost, text)
		}
	}
	slices.Sort(delays)
	return delays, lost
}
