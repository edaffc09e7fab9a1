// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/sizeguard/test_profiles.h"

#include <lcms2.h>

namespace anime::test
{

namespace
{

Data saved(cmsHPROFILE profile)
{
    cmsUInt32Number size = 0;
    cmsSaveProfileToMem(profile, nullptr, &size);
    Data data(size);
    cmsSaveProfileToMem(profile, data.data(), &size);
    cmsCloseProfile(profile);
    return data;
}

cmsInt32Number swap_and_transform(const cmsUInt16Number in[], cmsUInt16Number out[], void *to_lab)
{
    const cmsUInt16Number swapped[]{in[1], in[0], in[2]};
    cmsDoTransform(to_lab, swapped, out, 1);
    return TRUE;
}

} // namespace

Data swapping_table_profile(const std::string &table)
{
    const cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    const cmsHPROFILE lab = cmsCreateLab4Profile(nullptr);
    const cmsHTRANSFORM to_lab =
        cmsCreateTransform(srgb, TYPE_RGB_16, lab, TYPE_Lab_16, INTENT_RELATIVE_COLORIMETRIC, 0);
    cmsStage *stage = cmsStageAllocCLut16bit(nullptr, 17, 3, 3, nullptr);
    cmsStageSampleCLut16bit(stage, swap_and_transform, to_lab, 0);
    cmsPipeline *pipeline = cmsPipelineAlloc(nullptr, 3, 3);
    cmsPipelineInsertStage(pipeline, cmsAT_END, cmsStageAllocToneCurves(nullptr, 3, nullptr));
    cmsPipelineInsertStage(pipeline, cmsAT_END, stage);
    cmsPipelineInsertStage(pipeline, cmsAT_END, cmsStageAllocToneCurves(nullptr, 3, nullptr));

    const cmsHPROFILE profile = cmsCreateProfilePlaceholder(nullptr);
    cmsSetProfileVersion(profile, 4.3);
    cmsSetDeviceClass(profile, cmsSigDisplayClass);
    cmsSetColorSpace(profile, cmsSigRgbData);
    cmsSetPCS(profile, cmsSigLabData);
    cmsWriteTag(profile,
                table == "A2B0"   ? cmsSigAToB0Tag
                : table == "A2B1" ? cmsSigAToB1Tag
                                  : cmsSigAToB2Tag,
                pipeline);
    const Data data = saved(profile);
    cmsPipelineFree(pipeline);
    cmsDeleteTransform(to_lab);
    cmsCloseProfile(lab);
    cmsCloseProfile(srgb);
    return data;
}

Data grey_profile(double gamma)
{
    cmsToneCurve *curve = cmsBuildGamma(nullptr, gamma);
    const Data data = saved(cmsCreateGrayProfile(cmsD50_xyY(), curve));
    cmsFreeToneCurve(curve);
    return data;
}

Data lab_profile()
{
    return saved(cmsCreateLab4Profile(nullptr));
}

} // namespace anime::test
