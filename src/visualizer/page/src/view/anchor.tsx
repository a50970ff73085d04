/** Links within the page: real addresses, so that they open in a new tab too. */
import type { MouseEvent, ReactNode } from 'react';
import { kindOf } from '../rows.ts';
import { actorHref } from '../route.ts';
import { usePage } from './use.ts';

interface AnchorProps {
  href: string;
  children: ReactNode;
  className?: string;
  isCurrent?: boolean;
  /** It opens and shuts a part of this view: who clicks stays where they are. */
  isToggle?: boolean;
}

export function Anchor({ href, children, className, isCurrent = false, isToggle = false }: AnchorProps) {
  const page = usePage();
  const go = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    page.go(href);
    if (!isCurrent && !isToggle && href.startsWith('/actor/')) window.scrollTo(0, 0);
  };
  return (
    <a href={href} className={className} onClick={go} aria-current={isCurrent ? 'true' : undefined}>
      {children}
    </a>
  );
}

const LINKED = new Set(['session', 'mission', 'agent', 'dispatcher']);

/** An address as a link where it is an actor's; people and things outside are only named. */
export function Name({ of }: { of: string }) {
  const isActor = /^[a-z][a-z0-9_-]*\/[a-z0-9][a-z0-9_-]*$/.test(of) && LINKED.has(kindOf(of));
  return isActor ? (
    <Anchor href={actorHref(of)} className="name">
      {of}
    </Anchor>
  ) : (
    <span className="name">{of}</span>
  );
}
