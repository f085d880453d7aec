package rule

import (
	"net/url"
	"slices"
	"strings"
)

// saying is what the query of an address says of a form.
type saying struct {
	failed, accepted bool
	word             string // the name of the parameter that says so
	pair             string // the same with its value
}

// sayingOf reads a query: error=1, errors[email]=required, status=failed,
// sent=0 say that the form failed, sent=1 and status=ok that it was accepted.
// Failure wins.
func sayingOf(query string) (s saying) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil || name == "" {
			continue
		}
		switch failed, accepted := pairSays(name, value); {
		case failed:
			return saying{failed: true, word: name, pair: pair}
		case accepted && !s.accepted:
			s = saying{accepted: true, word: name, pair: pair}
		}
	}
	return s
}

var (
	// yes and no are what switches are set to.
	yes = []string{"", "1", "true", "yes", "y", "on", "ok"}
	no  = []string{"0", "false", "no", "n", "off", "none", "null", "[]", "{}"}
	// outcomes are words that are true if the form was accepted.
	outcomes = []string{
		"success", "successful", "ok", "sent", "thanks", "thankyou", "done", "subscribed", "submitted", "posted", "accepted", "confirmed",
		"registered", "received", "complete", "completed", "saved", "signedup", "joined", "valid", "mailsent", "emailsent", "messagesent", "formsent", "gesendet", "enviado", "inviato", "envoye", "added", "created", "updated",
	}
	// statuses are names of parameters whose value is an outcome.
	statuses = []string{
		"status", "result", "outcome", "response", "state", "msg", "message", "notice", "alert", "flash", "form", "newsletter", "signup",
		"subscription", "submission", "contact", "payment", "success", "msgtype", "messagetype", "alerttype", "mail", "email", "login",
		"captcha", "auth", "reason", "type", "code", "registration", "subscribe", "order", "checkout", "transaction", "verification",
		"validation",
	}
	// numbered are those whose value may be a status of HTTP. form=404 and
	// payment=450 are numbers of another kind.
	numbered = []string{"status", "result", "outcome", "response", "state", "code"}
	failures = []string{
		"error", "errors", "err", "errs", "fail", "fails", "failed", "failure", "invalid", "denied", "declined", "rejected", "refused", "exception",
		"unauthorized", "unsuccessful", "danger", "ko", "nok", "cancelled", "canceled", "aborted", "expired", "timeout", "blocked",
		"fehler", "erreur", "errore", "erro",
		"aspxerrorpath", // the page that failed, in ASP.NET
	}
)

// pairSays judges one parameter.
func pairSays(name, value string) (failed, accepted bool) {
	var text, valueText [64]byte
	var ends, valueEnds [maxWords + 1]int
	n := appendPhrase(phrase{text[:0], ends[:0]}, name)
	v := appendPhrase(phrase{valueText[:0], valueEnds[:0]}, value)
	plain := strings.ToLower(strings.TrimSpace(value))
	if n.has(failures) {
		return !slices.Contains(no, plain), false
	}
	isStatus := slices.Contains(statuses, string(n.text))
	if last := len(n.ends) - 1; last >= 0 && (slices.Contains(outcomes, string(n.word(last, last+1))) || slices.Contains(outcomes, string(n.text))) {
		switch negated := string(n.word(0, 1)) == "not"; {
		case slices.Contains(no, plain):
			return !negated, false
		case slices.Contains(yes, plain):
			return negated, !negated
		}
		isStatus = true
	}
	if !isStatus {
		return false, false
	}
	isFault := slices.Contains(numbered, string(n.text)) && len(value) == 3 && (value[0] == '4' || value[0] == '5') && len(v.ends) == 1 // 422
	return v.has(failures) || isFault, slices.Contains(outcomes, string(v.text))
}

// has reports whether one of the words is in the list.
func (p *phrase) has(list []string) bool {
	for i := range p.ends {
		if slices.Contains(list, string(p.word(i, i+1))) {
			return true
		}
	}
	return false
}

// saysNew reports whether the query says that the form was accepted, and is not just that
// of the page it was on, from an earlier time. A form that stands on every page, as for a
// newsletter, leads back to where its sender was.
func (x *Exchange) saysNew(says saying, pageQuery string) bool {
	return says.accepted && !slices.Contains(strings.Split(pageQuery, "&"), says.pair)
}

// leadsBack finds the parameter by which a log-in page remembers the form or its
// page, to go there afterwards.
func (x *Exchange) leadsBack(query, page string) (name string) {
	for query != "" {
		var pair, value string
		pair, query, _ = strings.Cut(query, "&")
		if name, value, _ = strings.Cut(pair, "="); value == "" || !isReturnName(name) {
			continue
		}
		address, err := url.QueryUnescape(value)
		if err != nil {
			continue
		}
		if strings.HasPrefix(strings.ToLower(address), "%2f") { // encoded twice
			if once, err := url.PathUnescape(address); err == nil {
				address = once
			}
		}
		back, _, ok := x.resolve(address)
		if ok && (x.isForm(back) || page != "" && sameAddress(back, page)) {
			return name
		}
	}
	return ""
}

// isReturnName recognises the parameters in which log-in pages keep where to go
// afterwards: ReturnUrl, next, redirect_to, destination, came-from.
func isReturnName(name string) bool {
	var text [64]byte
	var ends [maxWords + 1]int
	name, err := url.QueryUnescape(name)
	p := appendPhrase(phrase{text[:0], ends[:0]}, name)
	return err == nil && slices.Contains(returnNames, string(p.text))
}

var returnNames = []string{
	"return", "returnto", "returnurl", "returnuri", "returnpath", "returnpage", "next", "nexturl", "nextpage", "redirect", "redirectto",
	"redirecturl", "redirecturi", "redirectpath", "continue", "continueto", "continueurl", "goto", "gotourl", "back", "backto", "backurl",
	"destination", "rd", "rurl", "ru", "retpath", "service", "callback", "callbackurl", "camefrom", "afterlogin", "targeturl", "target", "wreply", "relaystate",
}

// queryWord finds such a word where the query names the page, as in Joomla
// (?view=login), OpenCart (route=account/login) and PrestaShop (controller=authentication).
func queryWord(query string) (kind wordKind, word string) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if !slices.Contains(pageNames, name) {
			continue
		}
		if value, err := url.QueryUnescape(value); err == nil && !strings.ContainsAny(value, "0123456789") {
			if k, w := refusalWord("/"+strings.TrimLeft(value, "/"), "", ""); k == wordError || k != wordOther && kind != wordError {
				kind, word = k, w
			}
		}
	}
	return kind, word
}

var pageNames = []string{"view", "page", "route", "r", "controller", "action", "task"}
