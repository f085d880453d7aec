package test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestClientGone: a form counts although its sender has left, because the
// application accepted it; a page nobody saw does not.
func TestClientGone(t *testing.T) {
	for _, c := range []struct{ goal, method, path, want string }{
		{"FORM_SENT", http.MethodPost, "/form", "fired 1"},
		{"FILE_TAKEN", http.MethodGet, "/file", "fired 1"},
		{"PAGE_VISITED", http.MethodGet, "/page", "client_gone 1"},
	} {
		t.Run(c.goal, func(t *testing.T) {
			inside, left := make(chan struct{}), make(chan struct{})
			var tracker *goaltrack.Tracker
			site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.FormValue("email") // accepted
				if err := tracker.Trigger(r, "RAISED", nil); err != nil {
					t.Error(err)
				}
				close(inside)
				<-r.Context().Done() // the client has left
				close(left)
				if r.Method == http.MethodPost {
					http.Redirect(w, r, "/thanks", http.StatusSeeOther)
				} else {
					world.HTML(w, r)
				}
			})
			w := world.New(t, world.EachTrigger, site)
			tracker = w.Tracker
			v := w.Visitor()
			ctx, cancel := context.WithCancel(t.Context())
			var body io.Reader // a server looks out for the client only when the body is read
			if c.method == http.MethodPost {
				body = strings.NewReader("email=a")
			}
			req := v.Request(c.method, c.path, body, "Content-Type", "application/x-www-form-urlencoded").WithContext(ctx)
			go func() {
				<-inside
				cancel() // the second click
			}()
			if res, err := v.Client.Do(req); err == nil {
				res.Body.Close()
				t.Fatal("the client got an answer")
			}
			<-left
			w.Expect(c.goal, c.want)
			w.Expect("RAISED", "fired 1")
			for _, r := range w.Tracker.Snapshot().Recent {
				if r.Fate == "fired" && r.Note != "client_gone" {
					t.Errorf("record without the note: %+v", r)
				}
			}
		})
	}
}

// TestLeavesAtTheRedirect: the visitor closes the page as soon as the answer to
// their form is there.
func TestLeavesAtTheRedirect(t *testing.T) {
	w := world.New(t, world.EachTrigger, world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", w.Site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /form HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: %s\r\nSec-Fetch-Site: same-origin\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nemail=a", world.Chrome)
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Error(err)
	}
	conn.Close()
	w.Expect("FORM_SENT", "fired 1")
	w.CDP.Expect(t, "FORM_SENT").Once()
}

// late answers when http.TimeoutHandler has given it up. Before that, it would not be sure
// which of the two answers is taken.
type late struct{ given chan struct{} }

func (l late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.FormValue("email")
	<-r.Context().Done()
	<-l.given
	world.Answer(http.StatusSeeOther, "Location", "/thanks").ServeHTTP(w, r)
}

// timeout gives it up after a while, for one request.
func (l late) timeout(around http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(l.given)
		http.TimeoutHandler(around, 20*time.Millisecond, "too slow").ServeHTTP(w, r)
	})
}

func TestTimeoutHandlers(t *testing.T) {
	for _, path := range []string{"/form", "/page"} {
		goal := map[string]string{"/form": "FORM_SENT", "/page": "PAGE_VISITED"}[path]
		send := func(w *world.World) int {
			method, form := http.MethodGet, ""
			if path == "/form" {
				method, form = http.MethodPost, "email=a"
			}
			return w.Visitor().Do(method, path, form).StatusCode
		}
		t.Run("outside"+path, func(t *testing.T) {
			slow := late{make(chan struct{})}
			w := world.Setup{Rules: world.EachTrigger, Mount: func(tracker *goaltrack.Tracker) http.Handler {
				return slow.timeout(tracker.Handler(slow))
			}}.Start(t)
			if got := send(w); got != http.StatusServiceUnavailable {
				t.Errorf("status %d", got)
			}
			w.Site.Close()
			waitFor(t, func() bool { return w.Fates(goal) != "none" }) // the handler is a goroutine of its own
			w.Expect(goal, "timed_out 1")
		})
		t.Run("inside"+path, func(t *testing.T) {
			slow := late{make(chan struct{})}
			w := world.New(t, world.EachTrigger, slow.timeout(slow))
			if got := send(w); got != http.StatusServiceUnavailable {
				t.Errorf("status %d", got)
			}
			w.Expect(goal, map[string]string{"/form": "not_successful 1", "/page": "status 1"}[path])
		})
	}
}

// waitFor waits until something is true that happens soon, though no channel
// tells when. A minute only ends what hangs.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("waited in vain")
		}
	}
}

// TestTimeoutLosesNoID: nobody would get the cookie of an answer that came too
// late, so no guest is made for it.
func TestTimeoutLosesNoID(t *testing.T) {
	w := world.Setup{Rules: world.EachTrigger, Mount: func(tracker *goaltrack.Tracker) http.Handler {
		return http.TimeoutHandler(tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			world.HTML(w, r)
		})), 5*time.Millisecond, "")
	}}.Start(t)
	waitFor(t, func() bool { return w.Tracker.Snapshot().Delivery[0].IDsReady == 2 })
	w.Visitor().Get("/page")
	w.Site.Close()
	waitFor(t, func() bool { return w.Fates("PAGE_VISITED") != "none" })
	if n := w.Tracker.Snapshot().Delivery[0].IDsReady; n != 2 {
		t.Errorf("%d IDs are left of 2", n)
	}
}

func TestHijacked(t *testing.T) {
	for name, hijack := range map[string]func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error){
		"by assertion": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) { return w.(http.Hijacker).Hijack() },
		"by controller": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return http.NewResponseController(w).Hijack()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var tracker *goaltrack.Tracker
			site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := tracker.Trigger(r, "RAISED", nil); err != nil {
					t.Error(err)
				}
				conn, rw, err := hijack(w)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_, _ = io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
				_ = rw.Flush()
				line, _ := rw.ReadString('\n')
				_, _ = io.WriteString(rw, line)
				_ = rw.Flush()
			})
			w := world.New(t, world.EachTrigger, site)
			tracker = w.Tracker
			v := w.Visitor().Meet()
			res, err := v.Client.Do(v.Request(http.MethodGet, "/page", nil, "Connection", "Upgrade", "Upgrade", "echo"))
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != http.StatusSwitchingProtocols || res.Header["Set-Cookie"] != nil {
				t.Errorf("%s, Set-Cookie %q", res.Status, res.Header["Set-Cookie"])
			}
			socket := res.Body.(io.ReadWriteCloser)
			_, _ = io.WriteString(socket, "hello\n")
			if echo, err := bufio.NewReader(socket).ReadString('\n'); echo != "hello\n" {
				t.Errorf("echo %q, %v", echo, err)
			}
			socket.Close()
			waitFor(t, func() bool { return w.Fates("RAISED") != "none" })
			w.Expect("PAGE_VISITED", "hijacked 1")
			w.Expect("RAISED", "fired 1")
			w.CDP.Expect(t, "RAISED").From(world.Known).Once()
		})
	}
}
