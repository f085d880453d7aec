package relay

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/internal/ext"
)

// version is that of the stream API, as its answers have it.
const version = "1.2"

// answer writes JSON that no cache keeps.
func (c *call) answer(status int, body []byte) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the visitor may have left
}

// refuse counts a reason and answers it. The body is that of an error of the CDP, which all
// SDKs read.
func (c *call) refuse(why reason) {
	c.tracker.Note(string(why))
	c.refused(why.status(), string(why))
}

// refused answers a reason that is counted already.
func (c *call) refused(status int, why string) {
	word := http.StatusText(status)
	body, _ := json.Marshal(map[string]any{ // it has nothing that could fail
		"status": status, "version": version, "error_msg": why,
		// These are of personalize.
		"code": status, "message": word, "developerMessage": why, "moreInfoUrl": "",
	})
	c.answer(status, body)
}

// accept answers an event as the CDP does. Nobody reads more of it than that.
func (c *call) accept(key string) {
	body := append(make([]byte, 0, 160), `{"status":"OK","version":"`+version+`","client_key":`...)
	body = appendText(body, key)
	body = append(body, `,"ref":"`...)
	body = ext.AppendUUID(body, rand.Uint64(), rand.Uint64()) //nolint:gosec // Only has to differ.
	c.answer(http.StatusCreated, append(body, `"}`...))
}

// appendText appends a text as JSON.
func appendText(dst []byte, s string) []byte {
	if !strings.ContainsFunc(s, needsCare) {
		return append(append(append(dst, '"'), s...), '"')
	}
	text, _ := json.Marshal(s) // a text cannot fail
	return append(dst, text...)
}

// needsCare reports whether a character cannot stand in a JSON string as it is, or is better
// not left so.
func needsCare(r rune) bool {
	return r < ' ' || r > '~' || r == '"' || r == '\\' || r == '<' || r == '>' || r == '&'
}
