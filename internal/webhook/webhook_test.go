package webhook_test

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/webhook"
)

// secret is that of the example of Standard Webhooks.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestNew(t *testing.T) {
	for _, tc := range []struct{ address, secret, fault string }{
		{"https://hooks.example/a?token=1", secret, ""},
		{"http://127.0.0.1:9000/a", secret, ""},
		{"http://[::1]:9000/a", secret, ""},
		{"http://localhost/a", secret, ""},
		{"http://hooks.example/token-1", secret, "by https:// alone"},
		{"http://127.0.0.1.example/token-1", secret, "by https:// alone"},
		{"http://10.0.0.1/token-1", secret, "by https:// alone"},
		{"ftp://hooks.example/token-1", secret, "https://"},
		{"hooks.example/token-1", secret, "https://"},
		{"https:///token-1", secret, "https://"},
		{"https://hooks.example/%zz?token-1", secret, "no URL"},
		{"https://hooks.example/a", "", "whsec_"},
		{"https://hooks.example/a", "whsec_dG9vc2hvcnQ=", "24 to 64"},
		{"https://hooks.example/a", "token-1-that-is-long-enough-for-anybody", "base64"},
		{"https://hooks.example/a", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)), "24 to 64"},
	} {
		_, err := webhook.New(tc.address, tc.secret, nil)
		switch {
		case tc.fault == "" && err != nil, tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
			t.Errorf("%s %s: %v, want %q", tc.address, tc.secret, err, tc.fault)
		case err != nil && strings.Contains(err.Error(), "token-1"):
			t.Errorf("%s: the fault says what is secret: %v", tc.address, err)
		}
	}
}

// TestSignature is the example of the specification
// (https://github.com/standard-webhooks/standard-webhooks).
func TestSignature(t *testing.T) {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	got := base64.StdEncoding.EncodeToString(webhook.Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)))
	if want := "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSend(t *testing.T) {
	var got *http.Request
	var body string
	answers := func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, body = r, string(text)
		answers(w)
	}))
	defer server.Close()
	hook, err := webhook.New(server.URL+"/a#b", secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer hook.Close()
	if err := hook.Send(t.Context(), "msg_1", []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	want := "v1," + base64.StdEncoding.EncodeToString(webhook.Sign(key, "msg_1", got.Header.Get("Webhook-Timestamp"), []byte(body)))
	if given := got.Header.Get("Webhook-Signature"); !hmac.Equal([]byte(given), []byte(want)) || got.Header.Get("Content-Type") != "application/json" || body != `{"a":1}` {
		t.Errorf("%s %v %s", got.Method, got.Header, body)
	}
	for _, tc := range []struct {
		name    string
		answers func(http.ResponseWriter)
		want    webhook.Refused
		final   bool
	}{
		{"redirect", func(w http.ResponseWriter) {
			w.Header().Set("Location", "/b")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, webhook.Refused{Status: 307}, false},
		{"invalid", func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) }, webhook.Refused{Status: 400}, true},
		{"wrong key", func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, webhook.Refused{Status: 401}, false},
		{"busy", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
		}, webhook.Refused{Status: 429, After: 30 * time.Second}, false},
		{"busy for years", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, webhook.Refused{Status: 503, After: time.Hour}, false},
		{"busy for ever", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", strings.Repeat("9", 40))
			w.WriteHeader(http.StatusServiceUnavailable)
		}, webhook.Refused{Status: 503, After: time.Hour}, false},
		{"busy until a time of its own clock", func(w http.ResponseWriter) {
			w.Header().Set("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
			w.Header().Set("Retry-After", "Sun, 06 Nov 1994 08:51:07 GMT")
			w.WriteHeader(http.StatusTooManyRequests)
		}, webhook.Refused{Status: 429, After: 90 * time.Second}, false},
		{"busy until a time that is over", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")
			w.WriteHeader(http.StatusTooManyRequests)
		}, webhook.Refused{Status: 429}, false},
		{"an endless answer", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusInternalServerError)
			for range 1 << 12 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, webhook.Refused{Status: 500}, false},
	} {
		answers = tc.answers
		refused, ok := errors.AsType[*webhook.Refused](hook.Send(t.Context(), "msg_2", []byte("{}")))
		if !ok || *refused != tc.want || refused.Final() != tc.final {
			t.Errorf("%s: %+v", tc.name, refused)
		}
		if got.URL.Path != "/a" {
			t.Errorf("%s: it went to %s", tc.name, got.URL)
		}
	}
}

type never struct{}

func (never) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestSendGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook, err := webhook.New("https://hooks.example/token-1", secret, never{})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		err = hook.Send(t.Context(), "msg_1", nil)
		if err == nil || time.Since(begun) != 10*time.Second || strings.Contains(err.Error(), "token-1") {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}
