//go:build unix

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// poisonFigures are what a row came to.
type poisonFigures struct {
	genuine, late   int // later than 5 s
	p50, p99, max   time.Duration
	requests        float64 // for each event
	before          int     // requests before the restart
	dead, delivered int     // of the poisoned
	lines           int
	newcomers       int // who waited for an ID behind the anonymous,
	waiting         int // and those who waited still
}

// print says at once what came of a row.
func (f *poisonFigures) print(p *poisonPlay) {
	verdict := map[bool]string{true: "FAIL", false: "PASS"}[p.Failed()]
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	line := fmt.Sprintf("%s  %s: %d genuine, p50 %v, p99 %v, max %v, later than 5 s %d; %.2f requests an event; poisoned: dead %d, delivered %d; log lines %d",
		verdict, p.name(), f.genuine, round(f.p50), round(f.p99), round(f.max), f.late, f.requests, f.dead, f.delivered, f.lines)
	if f.before > 0 {
		line += fmt.Sprintf("; requests before the restart %d", f.before)
	}
	if f.newcomers > 0 {
		line += fmt.Sprintf("; newcomers who waited for an ID %d, at the end still %d", f.newcomers, f.waiting)
	}
	fmt.Println(line)
}

// judge compares what came with what is promised.
func (p *poisonPlay) judge(f *poisonFigures, account, log string, bound time.Duration) {
	p.cdp.mu.Lock()
	defer p.cdp.mu.Unlock()
	check := func(bad bool, format string, args ...any) {
		if bad {
			p.Errorf(format, args...)
		}
	}
	var delays []time.Duration
	var lost, replaced, late []string
	for text, at := range p.answered {
		took, ok := p.cdp.taken[text]
		if p.sharesIDs(text) {
			if f.newcomers++; !ok {
				f.waiting++
			}
			continue
		}
		if !ok {
			lost = append(lost, text)
			continue
		}
		delay := max(took.Sub(at), 0)
		if delays = append(delays, delay); delay > 5*time.Second {
			late = append(late, fmt.Sprintf("%s of %q, at %.1f s, after %.1f s", text, p.brought[text], at.Sub(p.begin).Seconds(), delay.Seconds()))
		}
		if id := p.brought[text]; id != "" && id != p.cdp.under[text] {
			replaced = append(replaced, text)
		}
	}
	for text := range p.cdp.taken {
		if strings.HasPrefix(text, "evil") {
			f.delivered++
		}
	}
	slices.Sort(delays)
	f.genuine, f.late = len(p.answered), len(late)
	if n := len(delays); n > 0 {
		f.p50, f.p99, f.max = delays[n/2], delays[n*99/100], delays[n-1]
	}
	events := p.poisoned + f.genuine
	f.requests = float64(p.cdp.posts) / float64(events)

	check(len(lost) > 0, "%d genuine events were not delivered: %q", len(lost), lost[:min(len(lost), 20)])
	check(len(replaced) > 0, "%d genuine events came under another ID: %q", len(replaced), replaced)
	check(len(p.cdp.twice) > 0, "delivered twice: %q", p.cdp.twice)
	check(f.max > bound, "a genuine event came after %v, later than %v", f.max, bound)
	check(!p.refused && f.late > 1+f.genuine/1000, "%d of %d genuine events came later than 5 s", f.late, f.genuine)
	most := 2.0
	if p.refused || p.kind == "resets" {
		most = 3
	}
	check(f.requests > most, "%.2f requests an event, more than %.0f", f.requests, most)

	if sums := accountSum.FindStringSubmatch(account); sums == nil {
		p.Errorf("the account is %q", account)
	} else {
		var n [7]int
		for i := range sums[1:] {
			n[i], _ = strconv.Atoi(sums[i+1])
		}
		f.dead = n[3]
		check(n[0]+n[1] != n[2]+n[3]+n[4]+n[5], "the account does not balance: %s", account)
		// Requests that the proxy's end cuts off may have been taken: one a worker.
		unheard := min(n[4], 16)
		check(n[2] > len(p.cdp.taken) || n[2]+unheard < len(p.cdp.taken), "%d events came, the account is %s", len(p.cdp.taken), account)
		check(n[3]+f.delivered > p.poisoned, "%d dead, of %d poisoned", n[3], p.poisoned)
	}
	texts := map[string]int{}
	for _, line := range logText.FindAllStringSubmatch(log, -1) {
		if text := line[1] + " " + line[2]; !strings.Contains(text, "the last minute") {
			texts[text]++
			f.lines++
		}
	}
	for text, n := range texts {
		check(n > 2, "%d lines of the log say %s", n, text)
	}
	check(f.lines > 8, "%d lines in the log: %v", f.lines, texts)
	if f.late > 0 {
		p.Logf("later than 5 s: %q", late[:min(len(late), 20)])
	}
	if p.Failed() {
		p.Logf("the account: %s\nthe log:\n%s", account, log)
	}
	f.print(p)
}
