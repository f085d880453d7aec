package cdp

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestOutcomeOfEachStatus(t *testing.T) {
	want := map[int]Outcome{
		401: SenderBad, 402: SenderBad, 403: SenderBad, 404: SenderBad, 405: SenderBad, 407: SenderBad,
		421: SenderBad, 451: SenderBad, 501: SenderBad, 505: SenderBad,
		408: NotProcessed, 425: NotProcessed, 429: NotProcessed, 503: NotProcessed,
	}
	var status int
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	c := testClient(t, directTo(s.URL), Options{})
	for status = 200; status < 1000; status++ {
		o, listed := want[status]
		if !listed {
			o = [...]Outcome{2: Accepted, SenderBad, EventBad, Unknown, Unknown, Unknown, Unknown, Unknown}[status/100]
		}
		_, err := c.Post(t.Context(), goalBody(c.site), "")
		if got := OutcomeOf(err); got != o {
			t.Fatalf("%d: %v, want %v", status, got, o)
		}
		if e, ok := errors.AsType[*Error](err); o != Accepted && (!ok || e.Status != status || e.Op != "send event") {
			t.Fatalf("%d: %+v", status, err)
		}
	}
}

func TestOutcomeOfBodies(t *testing.T) {
	for _, tc := range []struct {
		status  int
		body    string
		want    Outcome
		message string
	}{
		{201, `{"status":"OK"}`, Accepted, ""},
		{201, `{"status":"ok","message":"fine"}`, Accepted, ""},
		{201, `{"status":"CREATED"}`, Accepted, ""},
		{201, `{"status":200}`, Accepted, ""},
		{201, `{"status":null}`, Accepted, ""},
		{201, `{"status":{"a":1}}`, Accepted, ""},
		{201, `{"message":"no status"}`, Accepted, ""},
		{201, `not json`, Accepted, ""},
		{201, `{"status":"ERROR"`, Accepted, ""},
		{200, `{"status":"ERROR"}`, EventBad, "ERROR"},
		{200, `{"status":"VALIDATION_FAILED"}`, EventBad, "VALIDATION_FAILED"},
		{200, `{"status":"NOPE","error_msg":"type is missing"}`, EventBad, "type is missing"},
		{200, `{"status":400,"developerMessage":"bad","message":"m"}`, EventBad, "bad"},
		{400, `{"status":"BAD_REQUEST","error_msg":"browser_id is required"}`, EventBad, "browser_id is required"},
		{404, `{"status":"NOT_FOUND","error_msg":"Invalid browser reference"}`, BrowserUnknown, "Invalid browser reference"},
		{404, `{"status":"not_found"}`, BrowserUnknown, "not_found"},
		{404, `{"error_msg":"no such Browser ref"}`, BrowserUnknown, "no such Browser ref"},
		{404, `{"status":404,"message":"no route"}`, SenderBad, "no route"},
		{404, `NOT_FOUND`, SenderBad, "NOT_FOUND"},
		{404, `<h1>Your browser</h1>`, SenderBad, "<h1>Your browser</h1>"},
		{502, "<html>\r\n\t<b>Bad\x00 \x1b[31mgateway\u202e</b>\xff</html>", Unknown, "<html> <b>Bad [31mgateway </b> </html>"},
		{500, strings.Repeat("é", 3000), Unknown, strings.Repeat("é", 1022) + "…"},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tc.status); write(w, tc.body) })
		_, err := testClient(t, directTo(s.URL), Options{}).Post(t.Context(), goalBody(directTo(s.URL)), "")
		e, _ := errors.AsType[*Error](err)
		if OutcomeOf(err) != tc.want || e != nil && e.Message != tc.message {
			t.Errorf("%d %.60s: %v; want %v, %q", tc.status, tc.body, err, tc.want, tc.message)
		}
		if e != nil && len(e.Message) > 2<<10 {
			t.Errorf("message of %d bytes", len(e.Message))
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, location := range []string{"/other?k=secret", "http://[::bad", ""} {
		for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
			requests := 0
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				requests++
				if location != "" {
					w.Header().Set("Location", location)
				}
				w.WriteHeader(status)
			})
			_, err := testClient(t, directTo(s.URL), Options{}).Send(t.Context(), goal())
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Outcome != SenderBad || e.Status != status || requests != 1 || strings.Contains(e.Message, "secret") {
				t.Errorf("%d to %q: %v after %d requests", status, location, err, requests)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"120":                            2 * time.Minute,
		" 7 ":                            7 * time.Second,
		"86400000":                       86_400_000 * time.Second,
		"9223372036854775807":            math.MaxInt64,
		"99999999999999999999":           0,
		"-5":                             0,
		"+5":                             0,
		"1.5":                            0,
		"soon":                           0,
		"Mon, 23 Nov 2026 10:01:30 GMT":  90 * time.Second,
		"Monday, 23-Nov-26 10:01:30 GMT": 90 * time.Second,
		"Mon, 23 Nov 2026 09:59:00 GMT":  0,
		"2026-11-23T10:01:30Z":           0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := testClient(t, directTo(s.URL), Options{}).Send(t.Context(), goal())
	if e, ok := errors.AsType[*Error](err); !ok || e.RetryAfter != 3*time.Second {
		t.Errorf("%v", err)
	}
}

// A date is meant by the server's clock.
func TestRetryAfterByTheServersClock(t *testing.T) {
	theirs := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", theirs.Format(http.TimeFormat))
		w.Header().Set("Retry-After", theirs.Add(90*time.Second).Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := testClient(t, directTo(s.URL), Options{}).Send(t.Context(), goal())
	if e, ok := errors.AsType[*Error](err); !ok || e.RetryAfter != 90*time.Second {
		t.Errorf("%v", err)
	}
}

func TestOutcomeOf(t *testing.T) {
	e := &Error{Op: "send event", Outcome: BrowserUnknown, Status: 404, Message: "m", Err: io.EOF}
	for _, tc := range []struct {
		err  error
		want Outcome
		word string
	}{
		{nil, Accepted, "accepted"},
		{(&Event{}).Validate(), EventBad, "event bad"},
		{fmt.Errorf("x: %w", e), BrowserUnknown, "browser unknown"},
		{errors.Join(io.EOF, &Error{Outcome: SenderBad}), SenderBad, "sender bad"},
		{&Error{Outcome: NotProcessed}, NotProcessed, "not processed"},
		{io.EOF, Unknown, "unknown"},
		{&Error{Outcome: 42}, 42, "outcome 42"},
	} {
		if got := OutcomeOf(tc.err); got != tc.want || got.String() != tc.word {
			t.Errorf("%v: %v", tc.err, got)
		}
	}
	if got := e.Error(); got != "cdp: send event: browser unknown: status 404: m: EOF" || !errors.Is(e, io.EOF) {
		t.Error(got)
	}
}
