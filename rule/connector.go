package rule

// connectorCDP4S is the one value of connector: under defaults:.
const connectorCDP4S = "cdp4s"

// ConnectorGoal is the type of the events that FuseIT's CDP4S counts as goals
// (https://fuseit.atlassian.net/wiki/x/xQBfgg, "Goals").
const ConnectorGoal = "CDP4SGOAL"

// Connected reports whether a second event goes behind the goal's, for the connector that
// the rule file names. A page view and an identity that no rule names have none.
func (c *Cause) Connected() bool { return c.goal != nil && c.goal.rules.connected }

// Connected reports whether each goal is sent as [ConnectorGoal], too: connector: under
// defaults:.
func (s *Set) Connected() bool { return s.connected }
