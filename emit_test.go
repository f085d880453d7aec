package goaltrack

import (
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/rule"
)

func TestEncodeBounds(t *testing.T) {
	s := &site{Site: Site{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}}
	e := cdp.Event{Type: "A", Page: strings.Repeat("x", events.Most)}
	if _, f := s.encode(&e, rule.View, "", &Config{}, ""); f != fateEventInvalid {
		t.Errorf("an event of more than 32 KiB: %v", f)
	}
	e.Page = "page"
	for _, noID := range []bool{false, true} {
		body, f := s.encode(&e, rule.View, strings.Repeat("u", 10_000), &Config{NoEventID: noID}, "")
		if f != fired || strings.Contains(string(body), ext.EventID) == noID || len(body) > 2_000 {
			t.Errorf("%v: %s", f, body)
		}
	}
}
