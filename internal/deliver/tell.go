package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// The texts of the log, by what a gate concerns. They are about a gate within
// the line only if it has not been told that the line itself is silent.
const (
	logRefused  = "goaltrack: the CDP refuses this sender; all events are held until it takes one"
	logSilent   = "goaltrack: the CDP does not answer; events wait"
	logProxy    = "goaltrack: the outgoing proxy asks for a user and a password; events wait"
	logGoal     = "goaltrack: the CDP refuses all events of a goal; they are held until it takes one"
	logBrought  = "goaltrack: the CDP does not know the browser IDs that visitors bring (is it the wrong tenant or region?); their events are held"
	logTaken    = "goaltrack: the CDP takes events again"
	logAnswered = "goaltrack: the CDP answers again"
)

// The texts about the queue, which begin and end as package trouble says.
const (
	logFull   = "goaltrack: the queue is full; events are refused"
	logRoom   = "goaltrack: the queue has had room for a minute"
	logFailed = "goaltrack: the queue takes no events, for a reason of its own; they are lost"
	logTakes  = "goaltrack: no event was lost to a fault of the queue for a minute"
	logEarly  = "goaltrack: the disk is slow; requests are answered before their events are on it"
	logInTime = "goaltrack: events have been on the disk in time for a minute"

	logCrowded   = "goaltrack: a visitor or a network has more in the queue than its share; more of it is refused, and others go on"
	logUncrowded = "goaltrack: no visitor and no network has been over its share of the queue for a minute"
	logLocked    = "goaltrack: events that waited are sealed with a key that is not among Keys; they become dead letters (key_unknown)"
	logOpened    = "goaltrack: for a minute no event was sealed with an unknown key"
)

// tell says once that a gate has been silent for too long. It returns when the
// next gate will be silent for too long.
func (sc *schedule) tell(ln *Line, now time.Time) (soonest time.Time) {
	h := &ln.health
	if sc.closing { // its waits are short, and who ends the process is told by the account
		return time.Time{}
	}
	look := func(g *sendGate, goal string) {
		if g.told != "" || g.since.IsZero() {
			return
		}
		from := g.since
		if g != &h.gate && h.silenced.After(from) {
			from = h.silenced
		}
		if at := from.Add(sc.pacing.slowMost); now.Before(at) {
			soonest = sooner(soonest, at)
			return
		}
		if g != &h.gate && (h.gate.told != "" || !g.slow(&sc.pacing, now)) {
			return
		}
		sc.tellSilence(ln, g, goal)
	}
	look(&h.gate, "")
	if h.gate.told != "" {
		return soonest // the gates within it stay silent
	}
	for goal, g := range h.goals {
		look(g, goal)
	}
	look(&h.brought, "")
	return soonest
}

func (sc *schedule) tellSilence(ln *Line, g *sendGate, goal string) {
	h := &ln.health
	level, text := slog.LevelError, logRefused
	attrs := []slog.Attr{slog.String("site", ln.Name)}
	switch {
	case goal != "":
		text = logGoal
		attrs = append(attrs, slog.String("goal", goal))
	case g == &h.brought:
		text = logBrought
	case !g.refused && errors.Is(g.err, cdp.ErrProxyAuth):
		text = logProxy
	case !g.refused:
		text = logSilent
		if !isUntrusted(g.err) { // a certificate that is not trusted comes from a wrong setting, not from a passing fault
			level = slog.LevelWarn
		}
	}
	attrs = append(attrs, slog.Int("tried", g.tried), slog.String("visitors", visitors(&sc.pacing, g)), slog.String("error", explain(g.err, g.body)))
	sc.log.LogAttrs(context.Background(), level, text, attrs...)
	g.told = text
}

// visitors says for how many visitors nothing was accepted.
func visitors(p *pacing, g *sendGate) string {
	if len(g.who) < p.heldVisitors {
		return strconv.Itoa(len(g.who))
	}
	return fmt.Sprintf("%d or more", len(g.who))
}

// tellEnd says that a silence is over.
func (sc *schedule) tellEnd(ln *Line, g *sendGate) {
	text := logTaken
	if g.told == logSilent || g.told == logProxy {
		text = logAnswered
	}
	sc.log.Info(text, "site", ln.Name)
	g.told = ""
}

func isUntrusted(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return untrusted
}
