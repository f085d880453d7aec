package page_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/page"
)

// passedOn is what a service worker sends that passes on what a browser goes to, as
// Chromium 156 does.
var passedOn = []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "navigate"}

// TestPassedOnByAServiceWorker: nobody knows whether such a page is shown in a tab. So it counts
// when its script says that it is, and once.
func TestPassedOnByAServiceWorker(t *testing.T) {
	s := open(t, page.Options{})
	v := s.visitor()
	_, text := s.get(v, "/pricing", passedOn...)
	if g := readTag(t, text); g.Shown != 1 {
		t.Errorf("the page tells that it is shown: %d", g.Shown)
	}
	shown := message("", "/pricing", "")
	s.tell(v, shown)
	s.tell(v, shown) // as a browser does whose connection broke
	if _, text = s.get(v, "/pricing", "Sec-Fetch-Dest", asDocument, "Sec-Fetch-Mode", "navigate"); readTag(t, text).Shown != 2 {
		t.Errorf("a page that the browser itself asks for: %s", text)
	}
	s.Expect("PRICING_VIEWED", "fired 2, not_navigation 1")
}

// TestInjectPassedOn: where a service worker passes pages on, they still get the tag.
func TestInjectPassedOn(t *testing.T) {
	s := injecting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<head></head>")
	})
	if _, text := s.get(s.visitor(), "/", passedOn...); !strings.Contains(text, injected) {
		t.Errorf("the page is %s", text)
	}
	if res := s.visitor().Send(s.visitor().Request(http.MethodPost, "/", nil, passedOn...)); res.ContentLength != int64(len("<head></head>")) {
		t.Errorf("what answers a form has %d bytes", res.ContentLength)
	}
}
