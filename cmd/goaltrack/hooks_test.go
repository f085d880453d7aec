package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// TestNotify: who is told by --notify can verify the message, and what waited when the
// proxy ended comes from the next one.
func TestNotify(t *testing.T) {
	received := make(chan string, 10)
	up := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-up:
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(testSecret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("signature %s, want %s", r.Header.Get("webhook-signature"), want)
		}
		received <- string(body)
	}))
	defer receiver.Close()
	dir := t.TempDir()
	p := reportingProxy(t, "--state="+dir, "--notify="+receiver.URL+"/token-1", "--webhook-secret="+testSecret)
	await(t, p, "do not arrive, and wait")
	if code, _ := p.stop(); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, p.stderr)
	}
	if strings.Contains(p.stderr.String(), "token-1") {
		t.Errorf("the log:\n%s", p.stderr)
	}
	close(up)
	second := start(t, "proxy", "--listen=127.0.0.1:0", "--to=http://127.0.0.1:1", "--rules="+write(t, "goals.yaml", reportedRules),
		"--cdp=http://127.0.0.1:1", "--client-key=key", "--pos=shop", "--currency=EUR", "--shutdown-delay=0s",
		"--state="+dir, "--notify="+receiver.URL, "--webhook-secret="+testSecret)
	var got struct {
		Type string
		Data struct {
			Goal, Site, Page, Currency string
			Value                      float64
		}
	}
	if err := json.Unmarshal([]byte(<-received), &got); err != nil || got.Type != "goal.fired" || got.Data.Goal != "PRICED" || got.Data.Site != "shop" || got.Data.Page != "/pricing" || got.Data.Value != 10 || got.Data.Currency != "EUR" {
		t.Errorf("%+v, %v", got, err)
	}
	_, _ = second.stop()
}

func TestHookFaults(t *testing.T) {
	secret := "--webhook-secret=" + testSecret
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--notify=https://hooks.example/token-1"}, "--notify: needs --webhook-secret"},
		{[]string{"--notify=http://hooks.example/token-1", secret}, "by https:// alone"},
		{[]string{"--notify=hooks.example/token-1", secret}, "https://"},
		{[]string{"--notify=https://hooks.example/token-1", "--webhook-secret=short"}, "openssl rand"},
		{[]string{"--health-webhook=https://hooks.example/token-1", secret}, "--health-webhook: needs a report"},
		{[]string{"--health-webhook=https://hooks.example/token-1", secret, "--admin=127.0.0.1:0", "--report=off"}, "needs a report"},
		{[]string{"--health-webhook=https://hooks.example/token-1", "--report=" + t.TempDir()}, "--health-webhook: needs --webhook-secret"},
	} {
		flags := append([]string{"proxy", "--listen=127.0.0.1:0", "--to=http://127.0.0.1:1", "--rules=" + write(t, "goals.yaml", reportedRules), "--cdp=http://127.0.0.1:1", "--client-key=key", "--pos=shop", "--currency=EUR"}, test.flags...)
		if got := asks(t, exitUsage, flags...); !strings.Contains(got, test.want) || strings.Contains(got, "token-1") {
			t.Errorf("%v: no %q in\n%s", test.flags, test.want, got)
		}
	}
}
