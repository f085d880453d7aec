package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/queue"
)

func TestNeverSwallowsAPanic(t *testing.T) {
	ends := map[string]func(){
		"a panic":         func() { panic("the handler's own") },
		"ErrAbortHandler": func() { panic(http.ErrAbortHandler) },
		"Goexit":          runtime.Goexit,
	}
	bothProtocols(t, func(t *testing.T, http2 bool) {
		for name, end := range ends {
			for _, when := range []string{"before", "after"} {
				t.Run(name+" "+when, func(t *testing.T) {
					site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if when == "after" {
							world.HTML(w, r)
							_ = http.NewResponseController(w).Flush()
						}
						end()
					})
					seen := make(chan any, 2)
					watch := func(next http.Handler) http.Handler {
						return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							defer func() {
								p := recover()
								seen <- p
								if p != nil {
									panic(p)
								}
							}()
							next.ServeHTTP(w, r)
						})
					}
					s := world.Setup{Rules: world.EachTrigger, Site: site, HTTP2: http2}
					s.Mount = func(tracker *goaltrack.Tracker) http.Handler {
						return watch(tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							if err := tracker.Trigger(r, "RAISED", nil); err != nil {
								t.Error(err)
							}
							site(w, r)
						})))
					}
					tracked := s.Start(t)
					s.Mount = func(*goaltrack.Tracker) http.Handler { return watch(site) }
					alone := s.Start(t)

					var outcome [2]string
					for i, w := range []*world.World{alone, tracked} {
						v := w.Visitor().Meet()
						res, err := v.Client.Do(v.Request(http.MethodGet, "/page", nil))
						outcome[i] = fmt.Sprint(<-seen, " no answer: ", err != nil)
						if err == nil {
							_, err = io.ReadAll(res.Body)
							res.Body.Close()
							outcome[i] += fmt.Sprint(res.Status, " cut off: ", err != nil)
						}
					}
					if outcome[0] != outcome[1] {
						t.Errorf("%s, alone %s", outcome[1], outcome[0])
					}
					tracked.Expect("PAGE_VISITED", "panicked 1")
					tracked.Expect("RAISED", "panicked 1")
					if types := tracked.CDP.Types(); types != nil {
						t.Errorf("the CDP got %v", types)
					}
				})
			}
		}
	})
}

// badQueue panics, as somebody else's engine may.
type badQueue struct{ queue.Queue }

func (badQueue) Append(context.Context, ...queue.Item) error { panic("the queue's") }

func TestNeverAddsAPanic(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*goaltrack.Config)
		note string
		fate string
	}{
		"Consent":    {func(c *goaltrack.Config) { c.Consent = func(*http.Request) goaltrack.Consent { panic("the user's") } }, "panic_Consent", "consent_unknown 1"},
		"Path":       {func(c *goaltrack.Config) { c.Path = func(*http.Request) string { panic("the user's") } }, "panic_Path", "fired 1"},
		"BeforeSend": {func(c *goaltrack.Config) { c.BeforeSend = func(*cdp.Event) bool { panic("the user's") } }, "panic_BeforeSend", "before_send 1"},
		"Queue":      {func(c *goaltrack.Config) { c.Delivery.Queue = badQueue{queue.NewMemory(10, 1<<20)} }, "panic_conclusion", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			var tracker *goaltrack.Tracker
			site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if name != "Queue" {
					world.HTML(w, r)
					return
				}
				if err := tracker.Send(r.Context(), goaltrack.Visitor{BrowserID: world.Known}, "RAISED", nil); !errors.Is(err, goaltrack.ErrRefused) {
					t.Errorf("Send: %v", err)
				}
				world.HTML(w, r)
			})
			var log syncBuffer
			w := world.Setup{Rules: world.EachTrigger, Site: site, Log: &log, Config: func(config *goaltrack.Config, _ *cdptest.Server) { c.set(config) }}.Start(t)
			tracker = w.Tracker
			v := w.Visitor().Meet()
			res := v.Get("/page")
			if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || len(body) == 0 {
				t.Errorf("%s, %q", res.Status, body)
			}
			w.Site.Close()
			if got := w.Fates("PAGE_VISITED"); got != c.fate {
				t.Errorf("PAGE_VISITED: %s, want %s", got, c.fate)
			}
			if w.Note(c.note) == 0 {
				t.Errorf("no note %s: %v", c.note, w.Tracker.Snapshot().Notes)
			}
			if !strings.Contains(log.String(), "recovered from a panic") || strings.Contains(log.String(), world.Known) {
				t.Errorf("log:\n%s", &log)
			}
		})
	}
}

// syncBuffer is a bytes.Buffer for many writers.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestNeverLeaksAGoroutine(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /page", world.HTML)
	site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	w := world.New(t, world.EachTrigger, site)
	for range 10 {
		v := w.Visitor()
		v.Get("/page")
		v.Post("/form", "email=a")
	}
	w.End()
	// The connections to the CDP end a moment after they are closed.
	stacks := ourGoroutines()
	for deadline := time.Now().Add(time.Minute); stacks != "" && time.Now().Before(deadline); stacks = ourGoroutines() {
		runtime.Gosched()
	}
	if stacks != "" {
		t.Errorf("after Close there are still\n%s", stacks)
	}
}

// ourStack is in the stack of a goroutine of the tracker's, or of a connection's to the CDP.
var ourStack = regexp.MustCompile(`created by (github\.com/goaltrack/goaltrack(/internal/deliver|/internal/idpool|/queue)?\.|golang\.org/x/sync)|net/http\.\(\*persistConn\)`)

// ourGoroutines returns the stacks of the tracker and of connections to the CDP.
func ourGoroutines() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var found []string
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		if ourStack.MatchString(stack) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
