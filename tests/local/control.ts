// The control interface of any local venue, as a test speaks it. Promises status and parsed body, whatever the answer.

interface Controlled {
  readonly controlUrl: string;
}

/** One control request; answers status and parsed body. */
export const control = async (
  venue: Controlled,
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
  body?: object | string,
): Promise<{ readonly status: number; readonly body: unknown }> => {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(venue.controlUrl + path, { method, ...(text === undefined ? {} : { body: text }) });
  return { status: response.status, body: await response.json() };
};

export const register = async (venue: Controlled, ...accounts: readonly object[]): Promise<void> => {
  for (const account of accounts) {
    const { status, body } = await control(venue, 'PUT', '/accounts', account);
    if (status !== 200) throw new Error(JSON.stringify(body));
  }
};
