package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/web"
)

func ExampleNew() {
	store := report.NewMemory(0) // the one of a report.Recorder
	pages, err := web.New(web.Options{
		Store:     store,
		Path:      "/report",
		Authorize: func(r *http.Request) bool { return r.Header.Get("X-Auth-Request-User") != "" },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/report/", pages)

	stranger := httptest.NewRecorder()
	mux.ServeHTTP(stranger, httptest.NewRequest(http.MethodGet, "/report/", http.NoBody))
	fmt.Println(stranger.Code)

	colleague := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/report/", http.NoBody)
	r.Header.Set("X-Auth-Request-User", "ada")
	mux.ServeHTTP(colleague, r)
	fmt.Println(colleague.Code, strings.Contains(colleague.Body.String(), "Nothing has been counted yet."))
	// Output:
	// 403
	// 200 true
}
