package relay

import (
	"net/http"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
)

// TestTimeOfAPass: a CDP has all the time that Options say, also for its header.
func TestTimeOfAPass(t *testing.T) {
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}}, DryRun: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = tracker.Close(t.Context()) }()
	h, err := New(tracker, Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.transport.(*http.Transport).ResponseHeaderTimeout; got < time.Minute {
		t.Errorf("a header may take %v", got)
	}
}
