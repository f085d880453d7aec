package tap

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// calls counts how often the hook is told.
type calls int

func (c *calls) BeforeHeader(int) { *c++ }
func (c *calls) Fault(p any)      { panic(p) }

// TestMutedIsNotBegun: to keep the hook from being called says nothing of the answer, which
// begins when something is written.
func TestMutedIsNotBegun(t *testing.T) {
	for name, write := range map[string]func(http.ResponseWriter){
		"status": func(w http.ResponseWriter) { reply(w, http.StatusSeeOther) },
		"bytes":  func(w http.ResponseWriter) { must(w.Write([]byte("text"))) },
		"text":   func(w http.ResponseWriter) { must(io.WriteString(w, "text")) },
		"copy":   func(w http.ResponseWriter) { must(io.Copy(w, strings.NewReader("text"))) },
	} {
		t.Run(name, func(t *testing.T) {
			served := false
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var hook calls
				var rec Recorder
				rec.Init(w, r, &hook)
				writer := rec.Writer()
				rec.Sniff()
				rec.Mute()
				if rec.Begun() {
					t.Error("nothing was written, and the answer has begun")
				}
				write(writer)
				if !rec.Begun() {
					t.Error("something was written, and the answer has not begun")
				}
				if hook != 0 {
					t.Errorf("the hook was called %d times", hook)
				}
				served = true
			}))
			resp, err := srv.Client().Transport.RoundTrip(httptest.NewRequest(http.MethodGet, srv.URL, http.NoBody))
			srv.Close()
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if !served {
				t.Error("the handler did not run to its end")
			}
		})
	}
}
