/** Names on the bus: subjects, inboxes, streams (docs/protocol.md §2). Checked where text from outside becomes one. */
import { RejectedInput } from '../errors.ts';
import { BusError } from './bus.ts';
import type { StreamName } from './bus.ts';

const NAMESPACE = /^[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*$/;
/** Tokens without wildcards; a space would end the subject in the wire protocol. */
const SUBJECT = /^[^\s.*>]+(\.[^\s.*>]+)*$/;
/** The runtime may publish anywhere, so a sender must not choose where: only inboxes of clients. */
const INBOX = /^_INBOX(\.[^\s.*>]+)+$/;

/** @throws RejectedInput `NAMESPACE` */
export function checkNamespace(namespace: string): string {
  if (NAMESPACE.test(namespace)) return namespace;
  throw new RejectedInput('NAMESPACE', `“${namespace}” is not a namespace: lower case letters, digits, - _ and .`);
}

/** `<NS>_MAIL`: upper case, `-` and `.` as `_`. */
export const streamName = (namespace: string, stream: StreamName): string =>
  `${upper(namespace)}_${stream.toUpperCase()}`;
export const bucketName = (namespace: string): string => `${upper(namespace)}_LEASE`;
const upper = (namespace: string): string => namespace.toUpperCase().replace(/[-.]/g, '_');

/** @throws BusError `BUS_REFUSED` */
export function subjectOf(namespace: string, area: string, subject: string): string {
  if (SUBJECT.test(subject)) return `${namespace}.${area}.${subject}`;
  throw new BusError('BUS_REFUSED', `“${subject}” is not a subject`);
}

export const isInbox = (subject: string): boolean => INBOX.test(subject);

/** @throws BusError `BUS_REFUSED` */
export function checkInbox(subject: string): string {
  if (isInbox(subject)) return subject;
  throw new BusError(
    'BUS_REFUSED',
    `Receipt-To: a receipt can only go to an inbox, and “${subject.slice(0, 200)}” is not one below _INBOX.`,
  );
}

/** Header that names where a receipt goes. */
export const RECEIPT_TO = 'Receipt-To';
