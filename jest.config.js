// Tests run as native ES modules; esbuild strips the types. Whole-system suites share two cores, hence two workers.
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tests/esbuild-transform.js' },
  testTimeout: 30_000,
  maxWorkers: 2,
};
