package live_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/report/live"
)

func newPreview(t *testing.T) *live.Preview {
	t.Helper()
	p, err := live.NewPreview([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tokenOf is the parameter of a new link.
func tokenOf(t *testing.T, p *live.Preview, dry bool) string {
	t.Helper()
	link, err := p.Link("https://ann:pw@shop.example/contact?a=b#c", dry)
	u, err2 := url.Parse(link)
	if err != nil || err2 != nil || u.User != nil || u.Fragment != "" || u.Query().Get("a") != "b" {
		t.Fatal(link, err, err2)
	}
	return u.Query().Get(live.PreviewName)
}

func TestKeyOfPreview(t *testing.T) {
	if _, err := live.NewPreview(make([]byte, 31)); err == nil {
		t.Error("a short key is taken")
	}
}

// Links and marks are over when they say so, and instances with one key take each other's.
func TestAgesOfPreview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, other := newPreview(t), newPreview(t)
		link := tokenOf(t, p, true)
		bubble.Pass(live.LinkAge - time.Second)
		cookie, ok := other.Mark(link)
		if dry, asks := p.Asks(link); !ok || !dry || !asks {
			t.Error("a link is over too early, or not dry")
		}
		bubble.Pass(time.Second)
		if _, ok := p.Mark(link); ok {
			t.Error("a link is never over")
		}
		bubble.Pass(live.MarkAge - 2*time.Second)
		if w := p.Watch(cookie); w == nil || !w.Dry() {
			t.Error("a mark is over too early, or not dry")
		}
		bubble.Pass(time.Second)
		if _, ok := p.State(cookie); ok || p.Watch(cookie) != nil {
			t.Error("a mark is never over")
		}
	})
}

// What is kept has bounds, whoever asks for how much.
func TestPreviewIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPreview(t)
		cookies, long := make([]string, live.MostMarks+1), strings.Repeat("e", 10_000)
		for i := range cookies {
			cookies[i], _ = p.Mark(tokenOf(t, p, false))
			for range live.KeptRequests + 5 {
				w := p.Watch(cookies[i])
				for range 25 {
					w.Sends(fact.Sent{Goal: "A", Events: []string{long}})
				}
				w.Saw(fact.Seen{Path: long, Goals: make([]fact.SeenGoal, 300)})
			}
			bubble.Pass(time.Second)
		}
		if s, ok := p.State(cookies[0]); !ok || len(s.Requests) > 0 {
			t.Errorf("the browser that did nothing for longest still has %d requests", len(s.Requests))
		}
		s, _ := p.State(cookies[1])
		if len(s.Requests) != live.KeptRequests {
			t.Fatalf("%d requests", len(s.Requests))
		}
		if r := s.Requests[0]; len(r.Sent) > 20 || len(r.Sent[0].Event) > 9000 || len(r.Goals) > 200 || len(r.Path) > 210 {
			t.Errorf("%d events of %d bytes, %d goals, a path of %d bytes", len(r.Sent), len(r.Sent[0].Event), len(r.Goals), len(r.Path))
		}
	})
}

// An answer belongs to the oldest event of that goal and browser that has none.
func TestAnswersOfPreview(t *testing.T) {
	p := newPreview(t)
	cookie, _ := p.Mark(tokenOf(t, p, false))
	p.Answered("A", "id-1", "delivered") // nobody is marked yet
	for _, goal := range []string{"A", "B", "A"} {
		w := p.Watch(cookie)
		w.Sends(fact.Sent{Goal: goal, BrowserID: "id-1", Events: []string{"{}"}})
		w.Saw(fact.Seen{Path: "/" + goal})
	}
	p.Answered("A", "id-2", "delivered")
	p.Answered("A", "id-1", "dead: rejected_400")
	p.Answered("B", "id-1", "delivered")
	s, _ := p.State(cookie)
	var got []string
	for _, r := range s.Requests {
		got = append(got, r.Path+"="+r.Sent[0].Answer)
	}
	if want := "[/A= /B=delivered /A=dead: rejected_400]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	p.Forget(cookie)
	if s, ok := p.State(cookie); !ok || len(s.Requests) > 0 {
		t.Errorf("after Forget: %v %v", s, ok)
	}
}

func TestPreviewByManyAtOnce(t *testing.T) {
	p := newPreview(t)
	var all sync.WaitGroup
	for i := range 8 {
		cookie, _ := p.Mark(tokenOf(t, p, false))
		all.Go(func() {
			for range 100 {
				w := p.Watch(cookie)
				w.Sends(fact.Sent{Goal: "A", BrowserID: strconv.Itoa(i), Events: []string{"{}"}})
				p.Answered("A", strconv.Itoa(i), "delivered")
				w.Saw(fact.Seen{})
				p.State(cookie)
			}
			p.Forget(cookie)
		})
	}
	all.Wait()
}
