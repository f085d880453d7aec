package test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/sqlite"
	"github.com/goaltrack/goaltrack/report/web"
)

// TestLoadPages asks for the pages of the large report that TestLoad of report/sqlite has
// left in GOALTRACK_TEST_LOAD_DIR: what of a processor's time they take is bounded.
func TestLoadPages(t *testing.T) {
	dir := os.Getenv("GOALTRACK_TEST_LOAD_DIR")
	if dir == "" {
		t.Skip("it is not asked for")
	}
	s := sqlite.New(sqlite.Options{Dir: dir, ReadOnly: true})
	defer func() { _ = s.Close() }()
	pages, err := web.New(web.Options{Store: s, Authorize: web.Open})
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.First == 0 {
		t.Fatal(info, err)
	}
	days := "?from=" + info.First.String() + "&to=" + report.DayOf(time.Now(), nil).String()
	for path, most := range map[string]time.Duration{"/": 200 * time.Millisecond, "/goal/GOAL_01": 100 * time.Millisecond} {
		least, size := time.Hour, 0
		for range 5 {
			begun, w := world.Processor(), httptest.NewRecorder()
			pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path+days, http.NoBody))
			if least, size = min(least, world.Processor()-begun), w.Body.Len(); w.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, w.Code)
			}
		}
		t.Logf("%s: %v of processor time, %d kB", path, least, size/1000)
		if least > most {
			t.Errorf("%s takes %v of processor time, more than %v", path, least, most)
		}
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	t.Logf("memory in use: %.1f MB", float64(memory.HeapAlloc)/1e6)
}
