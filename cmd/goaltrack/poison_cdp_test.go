//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// poisonCDP is a CDP that takes genuine events, and never a poisoned one. Whose ID
// begins with bad0 is not known to it.
type poisonCDP struct {
	kind     string
	refusing atomic.Bool // 401 for everything
	made     atomic.Uint64

	mu    sync.Mutex
	posts int
	taken map[string]time.Time // by what the form said
	under map[string]string    // browser IDs
	twice []string
}

func (c *poisonCDP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	<-time.After(30*time.Millisecond + rand.N(40*time.Millisecond))
	path := strings.TrimPrefix(r.URL.Path, "/v1.2/")
	id, isShow := strings.CutSuffix(strings.TrimPrefix(path, "browser/"), "/show.json")
	if path == "events" {
		c.mu.Lock()
		c.posts++
		c.mu.Unlock()
	}
	switch {
	case c.refusing.Load():
		reply(w, http.StatusUnauthorized, `{"status":"UNAUTHORIZED","error_msg":"unauthorized client key"}`)
	case path == "browser/create.json":
		reply(w, http.StatusOK, fmt.Sprintf(`{"status":"OK","version":"1.2","client_key":"key","ref":"feed%04x-0000-4000-8000-%012x"}`, rand.N(1<<16), c.made.Add(1)))
	case isShow && strings.HasPrefix(id, "bad0"):
		reply(w, http.StatusNotFound, `{"status":"NOT_FOUND","error_msg":"invalid browser reference"}`)
	case isShow:
		reply(w, http.StatusOK, `{"status":"OK","version":"1.2","clientKey":"key","ref":"`+id+`"}`)
	case path == "events":
		c.event(w, body)
	default:
		http.NotFound(w, r)
	}
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (c *poisonCDP) event(w http.ResponseWriter, body []byte) {
	var e struct {
		ID  string         `json:"browser_id"`
		Ext map[string]any `json:"ext"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		reply(w, http.StatusBadRequest, `{"status":"BAD_REQUEST"}`)
		return
	}
	text, _ := e.Ext["n"].(string)
	isPoison := strings.HasPrefix(text, "evil")
	switch {
	case strings.HasPrefix(e.ID, "bad0"):
		reply(w, http.StatusNotFound, `{"status":"NOT_FOUND","error_msg":"invalid browser reference"}`)
		return
	case !isPoison || c.kind == "made-up IDs": // or its ID was replaced
	case c.kind == "403":
		http.Error(w, "<h1>Request blocked</h1>", http.StatusForbidden)
		return
	case c.kind == "422":
		reply(w, http.StatusUnprocessableEntity, `{"status":"UNPROCESSABLE_ENTITY","error_msg":"n is not valid"}`)
		return
	case c.kind == "resets":
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
		return
	default:
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	c.mu.Lock()
	if _, before := c.taken[text]; before {
		c.twice = append(c.twice, text)
	} else {
		c.taken[text], c.under[text] = time.Now(), e.ID
	}
	c.mu.Unlock()
	reply(w, http.StatusCreated, `{"status":"OK","version":"1.2","client_key":"key","ref":"`+e.ID+`"}`)
}
