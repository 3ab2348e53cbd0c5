// Whether a host can be reached from this machine, and how long its name and a connection take. Sends no byte of its own,
// and tells nothing of the way that functions on AWS have.
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { commonFindings, findingBy, type Finding } from '../shared/order/finding.ts';

const finding = findingBy(commonFindings);
const CONNECT_WITHIN_MS = 5000;

/** Resolves the host of a URL and opens one connection, which is closed at once. */
export async function reach(url: string): Promise<Finding> {
  const { host, hostname, port, protocol } = new URL(url);
  const askedAt = performance.now();
  let address: string;
  try {
    ({ address } = await lookup(hostname.replace(/^\[|\]$/g, '')));
  } catch (error) {
    return finding('NAME_UNRESOLVED', `${hostname} has no address (${codeOf(error)})`);
  }
  const resolvedAt = performance.now();
  const failed = await opened(address, Number(port) || (protocol === 'https:' ? 443 : 80));
  const [resolveMs = 0, connectMs = 0] = [resolvedAt - askedAt, performance.now() - resolvedAt].map(Math.round);
  const named = hostname === address ? host : `${host} (${address})`;
  if (failed !== undefined) return finding('HOST_UNREACHABLE', `${named} takes no connection (${failed})`);
  return finding('NETWORK_GOOD', `${named}: resolved in ${resolveMs} ms, connected in ${connectMs} ms`);
}

/** undefined where the connection was made, else why not. */
function opened(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_WITHIN_MS });
    const end = (failure: string | undefined): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.once('connect', () => end(undefined));
    socket.once('timeout', () => end(`nothing within ${CONNECT_WITHIN_MS} ms`));
    socket.once('error', (error) => end(codeOf(error)));
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
