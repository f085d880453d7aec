package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
)

// TestPreviewOfProxy: a link of the admin pages marks a browser at the site, which then
// shows what becomes of its requests.
func TestPreviewOfProxy(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0", "--currency=EUR")
	_, page := look(t, http.MethodGet, p.admin+"/preview?dry=1&address="+p.url+"/pricing")
	link := regexp.MustCompile(`/pricing\?gt_preview=[A-Za-z0-9_-]+`).FindString(page)
	if link == "" {
		t.Fatalf("no link:\n%s", page)
	}
	v := newBrowser(t)
	ask := func(method, path string, header http.Header) (string, *http.Response) {
		r := request(t, method, p.url, path, nil, header)
		response := do(t, v, r)
		var b bytes.Buffer
		_, _ = b.ReadFrom(response.Body)
		return b.String(), response
	}
	if body, _ := ask(http.MethodGet, link, navigation); !strings.Contains(body, "Begin") {
		t.Fatalf("what the link asks:\n%s", body)
	}
	header := navigation.Clone()
	header.Set("Sec-Fetch-Site", "same-origin")
	_, response := ask(http.MethodPost, link, header)
	mark := response.Header.Get("Set-Cookie")
	if !strings.HasPrefix(mark, "gt_preview=") {
		t.Fatalf("%s %v", response.Status, response.Header)
	}
	header.Set("Cookie", strings.SplitN(mark, ";", 2)[0])
	ask(http.MethodGet, "/pricing", header)
	if body, _ := ask(http.MethodGet, "/?gt_preview=show", header); !strings.Contains(body, "GET /pricing") || !strings.Contains(body, "PRICED") || !strings.Contains(body, "This would be sent.") {
		t.Errorf("shown:\n%s", body)
	}
}

// TestPreviewKey: it is that of the site, or made once and kept for nobody else to read.
func TestPreviewKey(t *testing.T) {
	own := bytes.Repeat([]byte{7}, 32)
	if key, err := previewKey(t.TempDir(), []goaltrack.Key{{Hash: own}}); err != nil || !bytes.Equal(key, own) {
		t.Errorf("with keys: %x, %v", key, err)
	}
	dir := t.TempDir()
	first, err := previewKey(dir, nil)
	again, err2 := previewKey(dir, nil)
	info, err3 := os.Stat(filepath.Join(dir, "preview.key"))
	if err != nil || err2 != nil || err3 != nil || !bytes.Equal(first, again) || info.Mode().Perm() != 0o600 {
		t.Errorf("%x, then %x; %v %v %v %v", first, again, err, err2, err3, info.Mode())
	}
	if other, err := previewKey("", nil); err != nil || bytes.Equal(other, first) || len(other) != 32 {
		t.Errorf("without a directory: %x, %v", other, err)
	}
	for name, content := range map[string][]byte{"short": {1}, "empty": {}} {
		bad := t.TempDir()
		if err := os.WriteFile(filepath.Join(bad, "preview.key"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := previewKey(bad, nil); err == nil || len(key) != 32 {
			t.Errorf("%s: %x, %v", name, key, err)
		}
	}
}
