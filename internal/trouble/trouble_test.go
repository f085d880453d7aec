package trouble_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/trouble"
)

// page is what was logged.
type page struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

// lines counts those that say the text, and empties the page.
func (p *page) lines(t *testing.T, text string, want int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := strings.Count(p.b.String(), "\n"); n != want || want > 0 && strings.Count(p.b.String(), text) != want {
		t.Errorf("want %d times %q, the log is\n%s", want, text, p.b.String())
	}
	p.b.Reset()
}

// TestTroubleIsToldTwice: once when it begins, and once when nothing has happened for a
// minute, with how often it was.
func TestTroubleIsToldTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &page{}
		x := trouble.Trouble{Log: slog.New(slog.NewTextHandler(log, nil)), Begun: "it begins", Over: "it is over"}
		defer x.Close()
		for range 3 {
			x.Happens()
			synctest.Wait()
			log.lines(t, `level=WARN msg="it begins"`, 1)
			for range 99 { // it flaps
				<-time.After(trouble.Quiet - time.Second)
				x.Happens()
				synctest.Wait()
			}
			log.lines(t, "", 0)
			<-time.After(trouble.Quiet - 1)
			log.lines(t, "", 0)
			<-time.After(time.Second)
			log.lines(t, `level=INFO msg="it is over" times=100 lasted=1h37m21s`, 1)
			<-time.After(time.Hour)
			log.lines(t, "", 0)
		}
	})
}

// TestTroubleSaysWhy: the first error of each time is told, and no other.
func TestTroubleSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &page{}
		x := trouble.Trouble{Log: slog.New(slog.NewTextHandler(log, nil)), Begun: "it begins", Over: "it is over"}
		defer x.Close()
		for _, first := range []string{"refused", "gone"} {
			x.Fails(errors.New(first))
			x.Fails(errors.New("another"))
			synctest.Wait()
			log.lines(t, `level=WARN msg="it begins" error=`+first, 1)
			<-time.After(trouble.Quiet)
			synctest.Wait()
			log.lines(t, `level=INFO msg="it is over" times=2`, 1)
		}
	})
}

// TestTroubleOfMany: it happens to many at once, and is told once.
func TestTroubleOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &page{}
		x := trouble.Trouble{Log: slog.New(slog.NewTextHandler(log, nil)), Begun: "it begins", Over: "it is over"}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for range 100 {
					x.Happens()
				}
			})
		}
		all.Wait()
		synctest.Wait()
		log.lines(t, "it begins", 1)
		x.Close()
		x.Happens()
		<-time.After(time.Hour)
		log.lines(t, "", 0)
	})
}
