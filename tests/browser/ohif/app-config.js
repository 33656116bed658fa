// How the built OHIF reads from the index: DICOMweb of a gateway, with the token of a session, which stands behind the # of the
// address and is taken out of it at once. Write the gateway's address here.
const GATEWAY = "http://127.0.0.1:7400";
const token = /[#&]token=([\w-]+)/.exec(location.hash)?.[1] ?? "";
if (location.hash) history.replaceState(null, "", location.pathname + location.search);

// OHIF asks its own service for the header of each request; the service is there once a source of data begins.
window.config = ({ servicesManager }) => ({
  name: "yibao",
  routerBasename: null,
  extensions: [],
  modes: [],
  customizationService: {},
  showStudyList: true,
  maxNumberOfWebWorkers: 2,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  investigationalUseDialog: { option: "never" },
  defaultDataSourceName: "yibao",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "yibao",
      configuration: {
        friendlyName: "yibao",
        name: "yibao",
        qidoRoot: `${GATEWAY}/dicom-web`,
        wadoRoot: `${GATEWAY}/dicom-web`,
        wadoUriRoot: `${GATEWAY}/dicom-web`,
        qidoSupportsIncludeField: true,
        supportsReject: false,
        supportsStow: false,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: true,
        supportsWildcard: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
        onConfiguration: (configuration) => {
          const getAuthorizationHeader = () => ({ Authorization: `Bearer ${token}` });
          servicesManager.services.userAuthenticationService.setServiceImplementation({ getAuthorizationHeader });
          return configuration;
        },
      },
    },
  ],
});
