/** Every event of every kind, schema and type together (docs/events.md is this catalogue for people). */
import type { EventSpec } from '../contract.ts';
import { AGENT_EVENTS } from './agent.ts';
import { DISPATCHER_EVENTS } from './dispatcher.ts';
import { MISSION_EVENTS } from './mission.ts';
import { SESSION_EVENTS } from './session.ts';

export const EVENTS = {
  session: SESSION_EVENTS,
  mission: MISSION_EVENTS,
  agent: AGENT_EVENTS,
  dispatcher: DISPATCHER_EVENTS,
} as const satisfies Record<string, Record<string, EventSpec>>;

export type { AgentEvent, Hire, RunBegun } from './agent.ts';
export type { AgentChanged, DispatcherEvent, WorkWanted } from './dispatcher.ts';
export type { MissionEvent, MissionItem, MissionPolicy } from './mission.ts';
export type { IssueObserved, OpenSession, PullObserved, SessionEvent } from './session.ts';
