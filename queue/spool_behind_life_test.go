package queue

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestShortWaitsKeepNobodyWaiting: far more is given back for less than a second than may be
// handed out. It fills a quarter of the places at most, so that what comes later is handed out
// at once. All comes in the end, and nothing before its time.
func TestShortWaitsKeepNobodyWaiting(t *testing.T) {
	for _, wait := range []time.Duration{time.Millisecond, 250 * time.Millisecond, leaveFrom - 1} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := openBehind(t, newCrashFS())
				total := 2 * q.mostBegun()
				for n := range total {
					mustAppend(t, q, Item{Body: fmt.Append(nil, n), Key: "flood", Time: time.Now()})
				}
				<-time.After(time.Second)
				for range total {
					for _, d := range takeNow(t, q, 1) {
						d.Nack(wait)
					}
				}
				mustAppend(t, q, Item{Body: []byte("other"), Key: "other", Time: time.Now()})
				if got := names(takeNow(t, q, 10)); got != "other" {
					t.Errorf("%s come before their time", got)
				}
				if n := len(q.begun.entries); n > q.mostBegun()/4+1 {
					t.Errorf("%d are in memory", n)
				}
				came := map[string]bool{}
				for range 4 {
					<-time.After(leaveFrom)
					for got := takeNow(t, q, 100); len(got) > 0; got = takeNow(t, q, 100) {
						for _, d := range got {
							came[string(d.Body)] = true
							d.Ack()
						}
					}
				}
				if len(came) != total {
					t.Errorf("%d of %d came", len(came), total)
				}
				closeTest(t, q)
			})
		})
	}
}

// TestLongWaitsStayInMemory: what is given back for more than ten minutes, or at once, is
// not left behind, however much it is. It takes the places that there are, and no more.
func TestLongWaitsStayInMemory(t *testing.T) {
	for _, wait := range []time.Duration{-1, 0, leaveMost + time.Nanosecond, 1<<63 - 1} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := openBehind(t, newCrashFS())
				for n := range 2 * q.mostBegun() {
					mustAppend(t, q, Item{Body: fmt.Append(nil, n), Key: "flood", Time: time.Now()})
				}
				<-time.After(time.Second)
				got := takeNow(t, q, 2*q.mostBegun())
				for _, d := range got {
					d.Nack(wait)
				}
				takeNow(t, q, 1)
				if n := len(q.begun.entries); n != q.mostBegun() || len(got) != n || q.behind.leftN() != 0 {
					t.Errorf("%d are in memory, and %d are left behind", n, q.behind.leftN())
				}
				closeTest(t, q)
			})
		})
	}
}
