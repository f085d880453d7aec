package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// witness is a transport that remembers the answers. Package cdp says what an
// answer means; the doctor also shows the answer.
type witness struct {
	inner  http.RoundTripper
	status int // of the last answer, 0 if there was none
	took   []time.Duration
}

func newWitness(inner http.RoundTripper) *witness {
	if inner == nil {
		inner = cdp.NewTransport(1)
	}
	return &witness{inner: inner}
}

// RoundTrip implements [http.RoundTripper]. The doctor asks one thing at a time.
func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	w.status = 0
	start := time.Now()
	res, err := w.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.status = res.StatusCode
	w.took = append(w.took, time.Since(start))
	return res, nil
}

func (w *witness) close() {
	if t, ok := w.inner.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// times returns how many answers there were, and how long they took.
func (w *witness) times() (n int, median, longest time.Duration) {
	if len(w.took) == 0 {
		return 0, 0, 0
	}
	sorted := slices.Sorted(slices.Values(w.took))
	return len(sorted), sorted[len(sorted)/2], sorted[len(sorted)-1]
}

func rounded(d time.Duration) time.Duration { return d.Round(max(d/100, time.Microsecond)) }

// last says what the last answer was.
func (v *visit) last(what string) string {
	return fmt.Sprintf("%s (status %d)", what, v.transport.status)
}

// inWords returns an error without the words that only a program needs.
func inWords(err error) string {
	e, ok := errors.AsType[*cdp.Error](err)
	if !ok {
		return err.Error()
	}
	text := e.Outcome.String()
	if e.Status != 0 {
		text += fmt.Sprintf(" (status %d)", e.Status)
	}
	switch {
	case e.Message != "":
		text += ": " + shortened(e.Message)
	case e.Err != nil:
		text += ": " + e.Err.Error()
	}
	return text
}

// shortened returns the beginning of somebody else's text, which may be a whole
// page.
func shortened(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}

func either(err error, otherwise string) string {
	if err == nil {
		return otherwise
	}
	return inWords(err)
}

// trouble is the finding for a question without whose success goals do not
// arrive.
func (v *visit) trouble(err error) finding {
	f := finding{Verdict: broken, Found: inWords(err)}
	e, ok := errors.AsType[*cdp.Error](err)
	switch {
	case !ok:
	case e.Status == http.StatusProxyAuthRequired || errors.Is(err, cdp.ErrProxyAuth):
		f.Advice = "write user and password into the address of the proxy (HTTPS_PROXY, HTTP_PROXY), or name the CDP in NO_PROXY"
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		f.Advice = "the key is wrong, or of another region; or a firewall on the way refuses this server"
	case e.Status/100 == 3:
		f.Advice = "give the address that it leads to; a redirected POST would arrive empty"
	case e.Status == http.StatusNotFound:
		f.Advice = "this is no CDP, or not its base address: leave out path and version"
	case e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable:
		f.Advice = "try again later"
	case e.Status/100 == 5:
		f.Advice = "the CDP is in trouble: see Sitecore's status page"
	case e.Status/100 == 2:
		f.Advice = "something else answers, perhaps a proxy or a log-in page on the way"
	case e.Status != 0:
		f.Advice = "look at the key and the base address; if they are right, please report this: the CDP does not take what goaltrack sends"
	case e.Outcome == cdp.NotProcessed:
		f.Advice = "no connection: look at the address, DNS, certificates and the firewall's outbound rules"
	default:
		f.Advice = "connected, and no answer in time: look at proxies on the way, or raise --timeout"
	}
	return f
}

// newID makes an ID of the form that the CDP makes, but which it does not know
// (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// guest is what the doctor reads of a guest in the REST API
// (api-docs.sitecore.com, "Guest REST API v2.1").
type guest struct {
	LastSeen string `json:"lastSeen"`
	Modified string `json:"modifiedAt"`
}

// readEvery is how often the doctor reads a guest until their event shows.
const readEvery = time.Second

// askReadBack reads the two guests. The event of the first should show. The
// event of the second should not, because it is for no point of sale.
func askReadBack(ctx context.Context, v *visit) finding {
	direct, ok := v.site.(cdp.Direct)
	switch {
	case !ok:
		return skip("the edge has no REST API")
	case v.apiToken == "":
		return skip("no API token is given")
	case v.patient.Guest == "" || v.sent == 0:
		return skip("there is no event to look for")
	}
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	for {
		g, err := v.readGuest(ctx, direct, v.patient.Guest)
		switch {
		case err != nil && ctx.Err() == nil:
			return finding{Verdict: otherwise, Found: err.Error(), Advice: "look in the Event viewer instead"}
		case err == nil && v.shows(g):
			return v.compareStray(ctx, direct)
		}
		select {
		case <-time.After(readEvery):
		case <-ctx.Done():
			return finding{Verdict: learned, Found: "the guest is there, and no event shows in his lastSeen within " + v.patience.String(), Advice: "look in the Event viewer: is the point of sale spelled as in the tenant?"}
		}
	}
}

// shows reports whether the guest was seen since the doctor began.
func (v *visit) shows(g guest) bool {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, g.LastSeen); err == nil {
			return !t.Before(v.started.Add(-time.Minute))
		}
	}
	return false
}

func (v *visit) compareStray(ctx context.Context, direct cdp.Direct) finding {
	if v.stray.Guest == "" {
		return finding{Verdict: asDocumented, Found: "the event shows in the guest's lastSeen"}
	}
	g, err := v.readGuest(ctx, direct, v.stray.Guest)
	switch {
	case err != nil:
		return finding{Verdict: learned, Found: "the event shows; of the one for no point of sale: " + err.Error()}
	case v.shows(g):
		return finding{Verdict: learned, Found: "the event shows, and so does a guest whose event was for no point of sale", Advice: "lastSeen does not tell whether an event was lost; look in the Event viewer"}
	}
	return finding{Verdict: asDocumented, Found: "the event shows, and the one for no point of sale is lost"}
}

// maxGuest is how many bytes are read of a guest.
const maxGuest = 1 << 20

func (v *visit) readGuest(ctx context.Context, direct cdp.Direct, ref string) (g guest, err error) {
	address := cmp.Or(strings.TrimRight(direct.BaseURL, "/"), direct.Region.URL()) + "/v2.1/guests/" + url.PathEscape(ref)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return g, err
	}
	req.SetBasicAuth(direct.ClientKey, v.apiToken)
	req.Header.Set("Accept", "application/json")
	res, err := v.transport.RoundTrip(req)
	if err != nil {
		return g, err
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return g, fmt.Errorf("the API token is refused (status %d)", res.StatusCode)
	case res.StatusCode != http.StatusOK:
		return g, fmt.Errorf("the guest cannot be read (status %d)", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxGuest)).Decode(&g); err != nil {
		return g, fmt.Errorf("the guest cannot be understood: %w", err)
	}
	return g, nil
}
