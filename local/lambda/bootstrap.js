// The runtime loop inside an execution environment: load the handler, fetch an invocation, answer it, repeat.
// Promises what Lambda's nodejs24.x runtime promises a handler (context, error shapes, exit codes); waits for nothing else.
// Never swallows an error: what cannot be answered ends the process, and the runner sees the exit code.
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const env = process.env;
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':');
// One connection suffices: next, answer and error follow each other strictly.
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** One request to the Runtime API. Rejects when the connection breaks: then the runner is gone. */
const call = (method, path, body, headers = {}) =>
  new Promise((resolveCall, reject) => {
    const sent = request({ host, port, agent, method, path: `/2018-06-01/runtime${path}`, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolveCall({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });

const describe = (thrown) =>
  thrown instanceof Error
    ? { errorType: thrown.name, errorMessage: thrown.message, stackTrace: (thrown.stack ?? '').split('\n') }
    : { errorType: typeof thrown, errorMessage: String(thrown), stackTrace: [] };

const post = (path, error) =>
  call('POST', path, JSON.stringify(error), { 'Lambda-Runtime-Function-Error-Type': error.errorType });

const complain = (what, error) =>
  console.error(`${new Date().toISOString()}\t${requestId ?? 'undefined'}\tERROR\t${what}\t${JSON.stringify(error)}`);

let requestId;

/** Report what nobody caught, to the running invocation or as a failed start, and end. */
const fall = (what, error, status) => {
  complain(what, error);
  const path = requestId === undefined ? '/init/error' : `/invocation/${requestId}/error`;
  post(path, error).then(
    () => process.exit(status),
    () => process.exit(status),
  );
};
process.on('uncaughtException', (error) => fall('Uncaught Exception', describe(error), 129));
process.on('unhandledRejection', (reason) => {
  const error = describe(reason);
  const errorMessage = reason instanceof Error ? `${error.errorType}: ${error.errorMessage}` : error.errorMessage;
  fall('Unhandled Promise Rejection', { ...error, errorType: 'Runtime.UnhandledPromiseRejection', errorMessage }, 128);
});

const failure = (name, message) => Object.assign(new Error(message), { name });

/** The handler function named `<file>.<export>`, as Lambda looks it up. */
const loadHandler = async () => {
  const [, file, path] = /^(.*?[^/.]+)\.([^/]+)$/.exec(env._HANDLER) ?? [];
  if (!file) throw failure('Runtime.MalformedHandlerName', `bad handler "${env._HANDLER}": expected <file>.<export>`);
  const base = resolve(env.LAMBDA_TASK_ROOT, file);
  const found = ['.js', '.mjs', '.cjs'].map((ending) => base + ending).find((name) => existsSync(name));
  if (!found)
    throw failure('Runtime.ImportModuleError', `Cannot find module '${file}' (.js, .mjs, .cjs) in the package`);
  const module = await import(pathToFileURL(found).href).catch((error) => {
    if (error instanceof SyntaxError) error.name = 'Runtime.UserCodeSyntaxError';
    else if (error?.code === 'ERR_MODULE_NOT_FOUND') error.name = 'Runtime.ImportModuleError';
    throw error;
  });
  const pick = (from) => path.split('.').reduce((value, key) => value?.[key], from);
  const handler = pick(module) ?? pick(module.default);
  if (typeof handler !== 'function') throw failure('Runtime.HandlerNotFound', `${env._HANDLER} is not a function`);
  // nodejs24.x no longer calls back.
  if (handler.length > 2)
    throw failure('Runtime.CallbackHandlerDeprecated', `${env._HANDLER} takes a callback; make it async`);
  return handler;
};

const contextOf = (headers) => ({
  callbackWaitsForEmptyEventLoop: true,
  awsRequestId: headers['lambda-runtime-aws-request-id'],
  invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
  functionName: env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  getRemainingTimeInMillis: () => Number(headers['lambda-runtime-deadline-ms']) - Date.now(),
});

const answer = async (handler, { headers, text }) => {
  const path = `/invocation/${requestId}`;
  let body;
  try {
    body = JSON.stringify(await handler(JSON.parse(text), contextOf(headers))) ?? 'null';
  } catch (thrown) {
    const error = describe(thrown);
    complain('Invoke Error', error);
    return post(`${path}/error`, error);
  }
  return call('POST', `${path}/response`, body, { 'Content-Type': 'application/json' });
};

let handler;
try {
  handler = await loadHandler();
} catch (thrown) {
  const error = describe(thrown);
  complain('Init Error', error);
  await post('/init/error', error).catch(() => undefined);
  process.exit(1);
}
for (;;) {
  // A broken connection means that the runner is gone: nobody is left to report to.
  const next = await call('GET', '/invocation/next').catch(() => process.exit(0));
  requestId = next.headers['lambda-runtime-aws-request-id'];
  // The SDK sends this on with every call, which is how recursive loops are recognised.
  env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'] ?? '';
  await answer(handler, next).catch(() => process.exit(1));
  requestId = undefined;
}
