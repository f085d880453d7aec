package tap_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/tap"
)

// hook is told the status while a header can still be added.
type hook struct{}

func (hook) BeforeHeader(status int) { fmt.Println("the answer is", status) }
func (hook) Fault(p any)             { panic(p) }

func Example() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the handler reads", r.FormValue("topic"))
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "<html>")
	}
	budget := tap.Budget{Limit: 1 << 20}

	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader("topic=sales"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var rec tap.Recorder
	var body tap.Body
	rec.Init(w, r, hook{})
	inner := r.WithContext(r.Context())
	if _, ok := body.Start(inner, scan.BodyLimit, &budget, fair.Who{}, scan.Kinds{Form: true}, []string{"topic"}); ok {
		inner.Body = body.Reader()
	}
	defer body.Release()
	handler(rec.Writer(), inner)
	rec.Finish()

	kept, outcome := body.Seal()
	topic, _ := kept.Form.Get("topic")
	fmt.Println("it has read", topic, outcome == scan.Complete, rec.HasBody())
	// Output:
	// the handler reads sales
	// the answer is 202
	// it has read sales true true
}
