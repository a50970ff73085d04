/**
 * Where an actor's work lies: a folder of the runtime's machine, which no browser opens, so its path is there to be
 * copied; and the branch it has at GitHub, as soon as a pull request tells where that is.
 */
import { useState } from 'react';
import { branchUrl, worktreeOf } from '../worktree.ts';
import type { Stood } from './actor.tsx';
import { Part } from './particulars.tsx';

export function Worktree({ stood: { context }, isOver }: { stood: Stood; isOver: boolean }) {
  const [said, setSaid] = useState<string | null>(null);
  const path = worktreeOf(context);
  if (path === null) return null;
  const branch = typeof context['branch'] === 'string' ? context['branch'] : null;
  const url = branch === null ? null : branchUrl(context['pull'], branch);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(path!);
      setSaid('copied');
    } catch {
      // A page that came over plain HTTP from another machine may not.
      setSaid('this browser lets the page copy nothing: select it');
    }
  }
  return (
    <Part title="Worktree" id="worktree" count={1}>
      <li>
        <span className="name">{path}</span>
        <div className="worktree__ways">
          {isOver ? (
            <span className="quiet">taken away when the session ended</span>
          ) : (
            <button type="button" onClick={() => void copy()}>
              Copy path
            </button>
          )}
          {said === null ? null : <span role="status">{said}</span>}
          {branch === null ? null : url === null ? (
            <span className="name quiet">branch {branch}</span>
          ) : (
            <a href={url} rel="noreferrer" target="_blank">
              branch <span className="name">{branch}</span>
            </a>
          )}
        </div>
      </li>
    </Part>
  );
}
